#include "runtime/micro_batches.h"

#include <algorithm>
#include <limits>

#include "core/clock.h"
#include "core/rng.h"
#include "runtime/bare_stage.h"
#include "runtime/machine_cache.h"

namespace sooner {
namespace {

// Each number of rows runs at least so often and so long.
constexpr int kRuns = 3;
constexpr double kSeconds = 0.004;
// Fewer rows are better where they are as fast: less memory, less waiting.
constexpr double kTolerance = 1.02;

// Seconds for one run of `rows` rows, the shortest of several.
double shortest_seconds(BareStage& stage, int32_t rows, const Clock& clock) {
  double shortest = std::numeric_limits<double>::infinity(), all = 0;
  for (int run = 0; run < kRuns || all < kSeconds; ++run) {
    const Stopwatch watch(clock);
    stage.run(rows);
    const double took = watch.seconds();
    shortest = std::min(shortest, took);
    all += took;
  }
  return shortest;
}

}  // namespace

std::vector<int32_t> measure_micro_batches(const Model& model, const Clock& clock) {
  const int32_t most = model.batch_max();
  const Graph& graph = model.graph();
  std::vector<float> images(static_cast<size_t>(most) * static_cast<size_t>(element_count(graph.input_shape)));
  Rng rng(0x5ca1eU);
  for (float& pixel : images) pixel = static_cast<float>(rng.normal());
  std::vector<int32_t> best;
  std::vector<std::unique_ptr<BareStage>> stages;  // each reads what the one before it wrote
  for (size_t k = 0; k < model.stages(); ++k) {
    stages.push_back(std::make_unique<BareStage>(
        model.stage(k),
        k == 0 ? std::vector<const std::byte*>{reinterpret_cast<const std::byte*>(images.data())}
               : stages[k - 1]->output(),
        graph.classes, most));
    std::vector<std::pair<int32_t, double>> per_row;
    for (int32_t rows = 1;; rows = std::min(2 * rows, most)) {
      per_row.emplace_back(rows, shortest_seconds(*stages[k], rows, clock) / rows);
      if (rows == most) break;
    }
    const double shortest = std::ranges::min_element(per_row, {}, [](const auto& one) { return one.second; })->second;
    best.push_back(
        std::ranges::find_if(per_row, [&](const auto& one) { return one.second <= kTolerance * shortest; })->first);
  }
  return best;
}

std::vector<int32_t> micro_batches(const Model& model, const std::filesystem::path& folder) {
  return measured_once(folder, "micro-batches", model, model.stages(), model.batch_max(),
                       [&] { return measure_micro_batches(model); });
}

}  // namespace sooner
