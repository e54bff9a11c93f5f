// Measures the engine on whole plain networks: microseconds per image on one thread, as CSV, by the clock and by the
// processor time of the thread (which stands still while others have the processor). The weights are seeded,
// not trained, and the images are noise: nothing leaves early here, so neither changes the work. Before anything is
// timed the logits are held against the reference backend.
//
//   engine_bench [network] [CxHxW] [backend]      default: both demo networks, onednn
#include <fmt/format.h>
#include <ctime>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "bench/program.h"
#include "check/check.h"
#include "core/cpu.h"
#include "core/error.h"
#include "core/text.h"
#include "runtime/session.h"
#include "support/measured_scales.h"
#include "support/random_weights.h"
#include "zoo/zoo.h"

namespace sooner {
namespace {

double now_us(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) * 1e-3;
}

double percentile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<size_t>(share * static_cast<double>(values.size())))];
}

// Throws where the backend and the reference disagree: a fast wrong answer is not worth timing.
void expect_agreement(const ModelFile& file, const Backend& backend, Precision precision) {
  const Graph& graph = file.manifest.graph;
  const Agreement agreement = check_backend(graph, file.tensors, backend, {precision, 16, current_quantisation(file)},
                                            test::random_images(graph, 2, 9));
  if (!agreement.holds()) fail(Code::kInternal, "[engine_bench] {}: {}", graph.name, to_string(agreement));
  fmt::print("# {} {}: {}\n", graph.name, to_string(precision), to_string(agreement));
}

void bench(const std::string& network, const Shape& shape, const std::string& backend) {
  ModelFile file;
  file.manifest.graph = backbone_from_string(network, shape, 10);
  file.tensors = test::random_weights(file.manifest.graph, 1);
  file.manifest.quantisation = test::measured_quantisation(file.manifest.graph, file.tensors);
  file.manifest.quantisation->model_hash = model_hash(file);
  for (const Precision precision : {Precision::kF32, Precision::kBF16, Precision::kInt8}) {
    if (!make_backend(backend)->supports(precision)) continue;
    expect_agreement(file, *make_backend(backend), precision);
    for (const int32_t batch : {1, 16, 128}) {
      const auto model = Model::from_file(file, {.backend = backend, .precision = precision, .batch_max = batch});
      Session session(model);
      const std::vector<float> images = test::random_images(file.manifest.graph, batch, 2);
      std::vector<double> wall, cpu;
      const double begin = now_us(CLOCK_MONOTONIC);
      while (wall.size() < 20 || (now_us(CLOCK_MONOTONIC) - begin < 1.5e6 && wall.size() < 5000)) {
        const double wall_start = now_us(CLOCK_MONOTONIC), cpu_start = now_us(CLOCK_THREAD_CPUTIME_ID);
        static_cast<void>(session.run(images, batch));
        cpu.push_back((now_us(CLOCK_THREAD_CPUTIME_ID) - cpu_start) / batch);
        wall.push_back((now_us(CLOCK_MONOTONIC) - wall_start) / batch);
      }
      fmt::print("{},{},{},{},{},{:.1f},{:.1f},{:.1f},{:.1f},{:.1f},{}\n", network, backend, model->instruction_set(),
                 to_string(precision), batch, percentile(cpu, 0), percentile(cpu, .5), percentile(wall, 0),
                 percentile(wall, .5), percentile(wall, .99), wall.size());
      std::fflush(stdout);
    }
  }
}

}  // namespace
}  // namespace sooner

int main(int argc, char** argv) {
  using namespace sooner;
  return run_program("engine_bench", [&] {
    fmt::print("# {}, one thread\n", cpu_name());
    fmt::print(
        "network,backend,isa,precision,batch,cpu_min_us,cpu_median_us,wall_min_us,wall_median_us,wall_p99_us,"
        "repeats\n");
    for (const auto& [network, shape] : networks_of(argc, argv)) bench(network, shape, argc > 3 ? argv[3] : "onednn");
    return 0;
  });
}
