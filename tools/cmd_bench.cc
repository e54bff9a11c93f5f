// `sooner bench`: time per image with exits, against the same network without, on real samples.
#include "measure/benchmark.h"

#include <cmath>

#include "cli/data_flags.h"
#include "cli/engine_flags.h"
#include "cli/output.h"
#include "cli/policy_flags.h"
#include "cli/shares_text.h"
#include "cli/table.h"
#include "command.h"
#include "core/cpu.h"
#include "measure/evaluate.h"
#include "measure/model_data.h"
#include "measure/record_table.h"
#include "runtime/machine_cache.h"
#include "runtime/micro_batches.h"
#include "runtime/thread_layout.h"
#include "tune/choosing/operating_points.h"

namespace sooner {
namespace {

struct BenchArguments {
  std::string model;
  std::string plain;
  std::vector<int32_t> batches{1, 16, 128};
  std::vector<std::string> precisions{"fp32"};
  std::vector<int32_t> threads{1};
  std::vector<std::string> curves;
  std::string backend = "auto";
  std::string split = "test";
  int64_t samples = 2000;
  int repeats = 7;
  DataChoice data;
  PolicyFlags policy;
  OutputForm form = OutputForm::kText;
};

struct Row {
  Contestant contestant;
  double cost = 1;  // MACs over the plain network's
  std::string shares;
};

// A curve is timed at so many points at most.
constexpr size_t kCurvePoints = 8;

// About evenly spaced in cost, the cheapest and the dearest among them.
std::vector<OperatingPoint> thinned(const std::vector<OperatingPoint>& points) {
  if (points.size() <= kCurvePoints) return points;
  const double step = (points.back().cost - points.front().cost) / static_cast<double>(kCurvePoints - 1);
  std::vector<OperatingPoint> kept;
  for (const OperatingPoint& point : points) {
    if (point.cost >= points.front().cost + step * static_cast<double>(kept.size())) kept.push_back(point);
  }
  if (kept.back().cost < points.back().cost) kept.push_back(points.back());
  return kept;
}

// Every network in every precision, with every number of threads in both layouts.
std::vector<Row> contestants(const BenchArguments& arguments, const ModelFile& file, const ModelFile& plain,
                             const ModelData& data, const Batch& samples) {
  std::vector<Row> rows;
  const auto add = [&](const std::string& name, const std::shared_ptr<const Model>& model, const PolicySpec& spec,
                       double cost, const std::string& shares) {
    const std::shared_ptr<const ExitPolicy> policy = make_policy(spec, policy_context(model->manifest()));
    const SessionOptions options{.micro_batches = micro_batches(*model, default_cache_folder())};
    for (const int32_t threads : arguments.threads) {
      rows.push_back({{name, model, policy, options, threads, ThreadLayout::kSessions}, cost, shares});
      if (threads > 1) rows.push_back({{name, model, policy, options, threads, ThreadLayout::kStages}, cost, shares});
    }
  };
  Batch tune;
  if (!arguments.curves.empty()) tune = load_all(file.manifest, data, data.splits.tune);
  for (const std::string& precision : arguments.precisions) {
    ModelOptions options;
    options.backend = arguments.backend;
    options.precision = precision_from_string(precision);
    options.batch_max = *std::ranges::max_element(arguments.batches);
    const PolicySpec policy = policy_spec(file.manifest, arguments.policy, options.precision);
    if (std::isfinite(policy.wrappers.deadline_seconds)) {
      fail(Code::kInvalidArgument,
           "[bench] got a deadline of {} s, expected none: its answers follow the clock, and what is timed must answer "
           "alike in every pass; `sooner eval` takes deadlines",
           policy.wrappers.deadline_seconds);
    }
    if (!arguments.plain.empty()) add("plain", Model::from_file(plain, options), {}, 1, "");
    const auto model = Model::from_file(file, options);
    say_doubt(file.manifest, policy, model->origin());
    const Evaluation with_exits = evaluate(model, policy, samples);
    add("exits, " + policy.name, model, policy, with_exits.cost_fraction, shares_text(with_exits.shares));
    if (!arguments.curves.empty()) {
      const LogitTable table = logit_table(model, tune);
      for (const std::string& curve : arguments.curves) {
        for (const OperatingPoint& point : thinned(operating_points(table, curve))) {
          const Evaluation there = evaluate(model, point.spec, samples);
          add(fmt::format("exits, {}, {}", curve, point.label), model, point.spec, there.cost_fraction,
              shares_text(there.shares));
        }
      }
    }
    // Nobody asks early exits, so their heads are not computed.
    if (file.manifest.graph.exits() > 1) add("exits, never", model, {}, 1, "");
  }
  return rows;
}

// "2 sessions"; the layout that is measured to be the faster is marked.
std::string threads_text(const Contestant& one, int32_t batch) {
  if (one.threads == 1) return "1";
  const bool faster = one.layout == thread_layout(one.model, one.threads, batch, default_cache_folder());
  return fmt::format("{} {}{}", one.threads, to_string(one.layout), faster ? " *" : "");
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
  const std::vector<Row> rows = contestants(arguments, file, plain, data, samples);
  const std::optional<Quantity>& quantity = file.manifest.quantity;
  Table table({"network", "precision", "threads", "batch", "us per image", "call p50 us", "call p99 us", "ratio",
               "mJ per image", std::string(quality_word(quantity)), "MACs of plain", "exit shares"});
  for (const int32_t batch : arguments.batches) {
    std::vector<Contestant> turns;
    for (const Row& row : rows) turns.push_back(row.contestant);
    const std::vector<Timing> timings = benchmark(turns, samples, batch, arguments.repeats);
    for (size_t i = 0; i < rows.size(); ++i) {
      const Timing& timing = timings[i];
      table.add({cell(timing.name), cell(std::string(to_string(rows[i].contestant.model->precision()))),
                 cell(threads_text(rows[i].contestant, batch)), count(timing.batch), number(timing.median_us, 1),
                 number(timing.call_p50_us, 1), number(timing.call_p99_us, 1), number(timing.ratio, 3),
                 std::isnan(timing.millijoules) ? cell("unavailable") : number(timing.millijoules, 3),
                 quality_cell(quantity, timing.quality), number(rows[i].cost, 3), cell(rows[i].shares)});
    }
  }
  if (arguments.form == OutputForm::kText) {
    fmt::print("{} samples of {} ({}), median of {} interleaved passes; ratio to the first row of each batch\n",
               samples.n, data.data.name, arguments.split, arguments.repeats);
    fmt::print("{} ({})\n", cpu_name(), to_string(cpu_features()));
    if (*std::ranges::max_element(arguments.threads) > 1) {
      fmt::print("threads: a session each, or sharing every stage's rows; * what is taken here when nobody says\n");
    }
    fmt::print("\n");
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
  app.add_option("--threads", arguments->threads,
                 "how many; above 1, a session each and all in one stage are both timed")
      ->delimiter(',')
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--curve", arguments->curves,
                 "also time points of these policies' accuracy-cost curves, chosen on the tune split: max-prob,gate")
      ->delimiter(',');
  app.add_option("--backend", arguments->backend, "auto | onednn | ref")->capture_default_str();
  app.add_option("--split", arguments->split, "train | validation | tune | guarantee | test")->capture_default_str();
  app.add_option("--samples", arguments->samples, "how many, spread evenly over the split")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 30))
      ->capture_default_str();
  app.add_option("--repeats", arguments->repeats, "counted passes")->check(CLI::Range(1, 1000))->capture_default_str();
  add_data_options(app, &arguments->data);
  add_policy_options(app, &arguments->policy);
  add_output_options(app, &arguments->form);
  app.callback([arguments] { run(*arguments); });
}

}  // namespace sooner
