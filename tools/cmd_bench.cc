// `sooner bench`: time per image with exits, against the same network without, on real samples.
#include "benchmark.h"
#include "command.h"
#include "core/cpu.h"
#include "engine_flags.h"
#include "measure.h"
#include "model_data.h"
#include "policy_flags.h"
#include "shares_text.h"
#include "table.h"

namespace sooner {
namespace {

struct BenchArguments {
  std::string model;
  std::string plain;
  std::vector<int32_t> batches{1, 16, 128};
  std::vector<std::string> precisions{"fp32"};
  std::string backend = "auto";
  std::string split = "test";
  int64_t samples = 2000;
  int repeats = 7;
  DataFlags data;
  PolicyFlags policy;
  OutputForm form = OutputForm::kText;
};

std::shared_ptr<const ExitPolicy> shared_policy(const PolicySpec& spec, const Graph& graph) {
  return make_policy(spec, policy_context(graph));
}

void run(const BenchArguments& arguments) {
  const ModelFile file = load_model(arguments.model);
  const ModelData data = open_model_data(file.manifest, arguments.data);
  const Batch samples = load_all(file.manifest, data, data.splits.by_name(arguments.split), arguments.samples);
  ModelFile plain;
  if (!arguments.plain.empty()) {
    plain = load_model(arguments.plain);
    if (plain.manifest.preprocessing.image_shape != file.manifest.preprocessing.image_shape ||
        plain.manifest.preprocessing.mean != file.manifest.preprocessing.mean) {
      fail(Code::kInvalidArgument, "[bench] '{}' wants other images than '{}'; name two models of one data set",
           arguments.plain, arguments.model);
    }
  }
  Table table({"network", "batch", "precision", "us per image", "call p50 us", "call p99 us", "ratio", "accuracy",
               "MACs of plain", "exit shares"});
  for (const std::string& precision : arguments.precisions) {
    ModelOptions options;
    options.backend = arguments.backend;
    options.precision = precision_from_string(precision);
    const PolicySpec policy = policy_spec(file.manifest, arguments.policy, options.precision);
    options.batch_max = *std::max_element(arguments.batches.begin(), arguments.batches.end());
    const Evaluation with_exits = evaluate(file, options, policy, samples);
    PolicySpec never;
    std::vector<Contestant> contestants;
    if (!arguments.plain.empty()) {
      contestants.push_back({"plain", Model::from_file(plain, options), shared_policy(never, plain.manifest.graph)});
    }
    const auto model = Model::from_file(file, options);
    contestants.push_back({"exits, " + policy.name, model, shared_policy(policy, file.manifest.graph)});
    if (file.manifest.graph.exits() > 1) {
      contestants.push_back({"exits, never", model, shared_policy(never, file.manifest.graph)});
    }
    for (const int32_t batch : arguments.batches) {
      for (const Timing& timing : benchmark(contestants, samples, batch, arguments.repeats)) {
        const bool exits = timing.name == "exits, " + policy.name;
        const double cost = exits                    ? with_exits.cost_fraction
                            : timing.name == "plain" ? 1.0
                                                     : model->cost().exit_fraction.back();
        table.add({cell(timing.name), count(timing.batch), cell(precision), number(timing.median_us, 1),
                   number(timing.call_p50_us, 1), number(timing.call_p99_us, 1), number(timing.ratio, 3),
                   percent(timing.accuracy), number(cost, 3), cell(exits ? shares_text(with_exits.shares) : "")});
      }
    }
  }
  if (arguments.form == OutputForm::kText) {
    fmt::print(
        "{} samples of {} ({}), one thread, median of {} interleaved passes; ratio to the first row of each batch\n",
        samples.n, data.data.name, arguments.split, arguments.repeats);
    fmt::print("{} ({})\n\n", cpu_name(), to_string(cpu_features()));
  }
  table.print(arguments.form);
}

}  // namespace

void add_bench(CLI::App& app) {
  const auto arguments = std::make_shared<BenchArguments>();
  app.add_option("model", arguments->model, "a .safetensors model")->required();
  app.add_option("--plain", arguments->plain, "the same network trained without exits");
  app.add_option("--batch", arguments->batches, "batch sizes")
      ->delimiter(',')
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app.add_option("--precision", arguments->precisions, "fp32, bf16, int8")->delimiter(',')->capture_default_str();
  app.add_option("--backend", arguments->backend, "auto | onednn | ref")->capture_default_str();
  app.add_option("--split", arguments->split, "train | validation | tune | guarantee | test")->capture_default_str();
  app.add_option("--samples", arguments->samples, "how many, from the split's beginning")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 30))
      ->capture_default_str();
  app.add_option("--repeats", arguments->repeats, "counted passes")->check(CLI::Range(1, 1000))->capture_default_str();
  add_data_options(app, &arguments->data);
  add_policy_options(app, &arguments->policy);
  add_output_options(app, &arguments->form);
  app.callback([arguments] { run(*arguments); });
}

}  // namespace sooner
