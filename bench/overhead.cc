// What a session costs beyond the arithmetic it runs: its time over the time that the bare stages take for the samples
// that reach them, no session, no policy, taking turns in one run. Batch 1 is held against bare rows one at a time,
// larger batches against each stage's best number of rows.
//
//   overhead MODEL [--precision P] [--batches 1,64] [--policy …] [--samples N] [--rounds N] [--data-dir DIR]
#include <fmt/ranges.h>

#include <algorithm>

#include "bench/program.h"
#include "cli/data_flags.h"
#include "cli/engine_flags.h"
#include "cli/output.h"
#include "cli/policy_flags.h"
#include "cli/table.h"
#include "core/clock.h"
#include "core/cpu.h"
#include "measure/model_data.h"
#include "runtime/bare_stage.h"
#include "runtime/micro_batches.h"
#include "runtime/session.h"

namespace sooner {
namespace {

struct OverheadArguments {
  std::string model;
  std::vector<int32_t> batches{1, 64};
  int64_t samples = 1024;
  int rounds = 15;
  EngineFlags engine;
  DataChoice data;
  PolicyFlags policy;
  OutputForm form = OutputForm::kText;
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

struct Overhead {
  double session_us = 0;  // per sample, medians over rounds
  double bare_us = 0;
  double ratio = 0;
  std::vector<int32_t> rows;  // at once, by stage
  std::vector<int64_t> reach;
};

// Turns of so many samples: long against the clock, short against the machine's moods.
constexpr int64_t kTurn = 256;

Overhead measure(const ModelFile& file, ModelOptions options, const PolicySpec& spec, const Batch& samples,
                 int32_t batch, int rounds) {
  options.batch_max = batch;
  const auto model = Model::from_file(file, options);
  const size_t exits = model->stages();
  Overhead result;
  result.rows = measure_micro_batches(*model);
  Session session(model, make_policy(spec, policy_context(model->manifest())), {.micro_batches = result.rows});
  const auto image = static_cast<size_t>(element_count(model->graph().input_shape));
  std::vector<std::unique_ptr<BareStage>> bare;
  for (size_t k = 0; k < exits; ++k) {
    bare.push_back(std::make_unique<BareStage>(
        model->stage(k),
        k == 0 ? std::vector<const std::byte*>{reinterpret_cast<const std::byte*>(samples.images.data())}
               : bare[k - 1]->output(),
        model->graph().classes, batch));
    bare[k]->run(batch);
  }
  std::vector<double> session_us, bare_us, ratios;
  for (int round = -1; round < rounds; ++round) {
    double session_seconds = 0, bare_seconds = 0;
    result.reach.assign(exits, 0);
    for (int64_t first = 0; first + kTurn <= samples.n; first += kTurn) {
      std::vector<int64_t> reach(exits);
      Stopwatch watch;
      for (int64_t at = first; at < first + kTurn; at += batch) {
        const std::span<const float> images(samples.images.data() + static_cast<size_t>(at) * image,
                                            static_cast<size_t>(batch) * image);
        for (const Result& one : session.run(images, batch)) ++reach[static_cast<size_t>(one.exit_index)];
      }
      session_seconds += watch.seconds();
      for (size_t k = exits - 1; k-- > 0;) reach[k] += reach[k + 1];
      for (size_t k = 0; k < exits; ++k) {
        result.reach[k] += reach[k];
        const int64_t runs = (reach[k] + result.rows[k] - 1) / result.rows[k];
        if (runs == 0) continue;
        watch.lap();
        for (int64_t run = 0; run < runs; ++run) {
          if (k == 0) {  // the same images, from where the session read them
            const auto at = static_cast<size_t>(first + run * result.rows[0] % kTurn);
            bare[0]->read_from({reinterpret_cast<const std::byte*>(samples.images.data() + at * image)});
          }
          bare[k]->run(result.rows[k]);
        }
        bare_seconds += watch.seconds() * static_cast<double>(reach[k]) / static_cast<double>(runs * result.rows[k]);
      }
    }
    if (round < 0) continue;  // warms up
    const auto n = static_cast<double>(result.reach[0]);
    session_us.push_back(session_seconds / n * 1e6);
    bare_us.push_back(bare_seconds / n * 1e6);
    ratios.push_back(session_seconds / bare_seconds);
  }
  result.session_us = median(session_us);
  result.bare_us = median(bare_us);
  result.ratio = median(ratios);
  return result;
}

void run(const OverheadArguments& arguments) {
  const ModelFile file = load_model(arguments.model);
  const ModelOptions options = model_options(arguments.engine);
  const PolicySpec policy = policy_spec(file.manifest, arguments.policy, options.precision);
  const ModelData data = open_model_data(file.manifest, arguments.data);
  const Batch samples = load_all(file.manifest, data, data.splits.by_name("test"), arguments.samples);
  Table table({"batch", "precision", "session us", "bare stages us", "ratio", "rows at once", "samples by stage"});
  for (const int32_t batch : arguments.batches) {
    if (kTurn % batch != 0 || samples.n < kTurn) {
      fail(Code::kInvalidArgument,
           "[overhead] got batch {} and {} samples, expected a divisor of {} and that many samples", batch, samples.n,
           kTurn);
    }
    const Overhead found = measure(file, options, policy, samples, batch, arguments.rounds);
    table.add({count(batch), cell(std::string(to_string(options.precision))), number(found.session_us, 2),
               number(found.bare_us, 2), number(found.ratio, 3), cell(fmt::format("{}", fmt::join(found.rows, " / "))),
               cell(fmt::format("{}", fmt::join(found.reach, " / ")))});
  }
  if (arguments.form == OutputForm::kText) {
    fmt::print("{} ({}), one thread, medians of {} rounds\n", cpu_name(), to_string(cpu_features()), arguments.rounds);
  }
  table.print(arguments.form);
}

}  // namespace
}  // namespace sooner

int main(int argc, char** argv) {
  CLI::App app("what a session costs beyond the arithmetic it runs", "overhead");
  sooner::OverheadArguments arguments;
  app.add_option("model", arguments.model, "a .safetensors model")->required();
  app.add_option("--batches", arguments.batches, "samples a call")->delimiter(',')->capture_default_str();
  app.add_option("--samples", arguments.samples, "of the test split")->capture_default_str();
  app.add_option("--rounds", arguments.rounds, "counted passes")->check(CLI::Range(1, 1000))->capture_default_str();
  sooner::add_engine_options(app, &arguments.engine);
  sooner::add_data_options(app, &arguments.data);
  sooner::add_policy_options(app, &arguments.policy);
  sooner::add_output_options(app, &arguments.form);
  CLI11_PARSE(app, argc, argv);
  return sooner::run_program("overhead", [&] {
    sooner::run(arguments);
    return 0;
  });
}
