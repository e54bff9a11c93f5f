// `sooner report`: evaluates runs on the test split and writes one HTML page; prints the table on the way.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>

#include "cli/data_flags.h"
#include "cli/engine_flags.h"
#include "cli/output.h"
#include "cli/policy_flags.h"
#include "cli/shares_text.h"
#include "cli/table.h"
#include "command.h"
#include "core/cpu.h"
#include "data/png.h"
#include "eval/calibration_error.h"
#include "measure/benchmark.h"
#include "measure/class_outcomes.h"
#include "measure/curve.h"
#include "measure/evaluate.h"
#include "measure/model_data.h"
#include "measure/record_table.h"
#include "network_drawing.h"
#include "report/html_report.h"
#include "report/training_series.h"
#include "run/run_folder.h"

namespace sooner {
namespace {

constexpr size_t kPicturesPerRow = 12;

struct ReportArguments {
  std::vector<std::string> runs;
  std::string plain;
  std::string output = "report.html";
  std::string split = "test";
  int64_t timed = 1000;
  int repeats = 5;
  EngineFlags engine;
  DataChoice data;
  OutputForm form = OutputForm::kText;
};

// A model with all that is needed to run it, and the policies to run it with.
struct Entrant {
  std::string name;
  std::filesystem::path run;
  ModelFile file;
  std::shared_ptr<const Model> model;
  std::vector<std::pair<std::string, PolicySpec>> policies;  // how chosen, what
  std::vector<Evaluation> evaluations;                       // one per policy
};

std::string entrant_name(const std::filesystem::path& run, const ModelFile& file) {
  const std::filesystem::path model = model_path(run);
  const std::filesystem::path folder = std::filesystem::absolute(model).parent_path().filename();
  return fmt::format("{} ({})", model == run ? model.stem().string() : folder.string(),
                     file.manifest.provenance.regime);
}

Entrant open_entrant(const std::string& run, const ModelOptions& options) {
  Entrant entrant;
  entrant.run = run;
  entrant.file = load_model(model_path(run));
  require_classes(entrant.file.manifest.quantity, "report", fmt::format("the page about '{}'", run));
  entrant.name = entrant_name(run, entrant.file);
  entrant.model = Model::from_file(entrant.file, options);
  const Manifest& manifest = entrant.file.manifest;
  if (manifest.graph.exits() == 1) {
    entrant.policies.emplace_back("-", PolicySpec{});
    return entrant;
  }
  if (policy_context(manifest).has_gates) {
    PolicySpec gates;
    gates.name = "gate";
    gates.thresholds.assign(manifest.graph.exits() - 1, Threshold::score(0.5));
    entrant.policies.emplace_back("untouched", gates);
  }
  for (const CalibrationRecord& record : manifest.calibrations) {
    if (record.origin.precision != to_string(options.precision)) continue;
    const auto same = [&](const auto& known) { return known.second == record.policy; };
    if (std::none_of(entrant.policies.begin(), entrant.policies.end(), same)) {
      entrant.policies.emplace_back(rule_text(record, static_cast<int32_t>(manifest.graph.classes)), record.policy);
    }
  }
  entrant.policies.emplace_back("-", PolicySpec{});  // never
  return entrant;
}

// What the report shows as the model's own: its default policy, when it was evaluated.
size_t chosen_policy(const Entrant& entrant) {
  const Manifest& manifest = entrant.file.manifest;
  const auto own = find_policy_at(manifest.policy, manifest.calibrations, to_string(entrant.model->precision()));
  for (size_t p = 0; p < entrant.policies.size(); ++p) {
    if (entrant.policies[p].second == own) return p;
  }
  return 0;
}

std::string node_words(const Graph& graph, const std::vector<NodeId>& nodes) {
  std::string words;
  for (const NodeId id : nodes) {
    const OpKind op = graph.node(id).op;
    if (op == OpKind::kInput) continue;
    if (!words.empty()) words += ", ";
    words += to_string(op);
  }
  return words;
}

std::vector<ReportStage> report_stages(const Entrant& entrant, const Evaluation& evaluation, const LogitTable& table,
                                       const PolicySpec& policy) {
  const Graph& graph = entrant.file.manifest.graph;
  const GraphCost& cost = entrant.model->cost();
  std::vector<ReportStage> stages;
  for (size_t k = 0; k < graph.stages.size(); ++k) {
    const auto exit = static_cast<int32_t>(k);
    const CalibrationError alone =
        calibration_error(table, exit, k < policy.temperatures.size() ? policy.temperatures[k] : 1);
    ReportStage stage;
    stage.exit_name = graph.stages[k].exit.name;
    stage.layers = node_words(graph, graph.stages[k].trunk);
    stage.head = node_words(graph, graph.stages[k].exit.head);
    stage.shape = to_string(trunk_shape(graph, k));
    stage.trunk_macs = static_cast<double>(cost.stages[k].trunk_macs);
    stage.head_macs = static_cast<double>(cost.stages[k].head_macs);
    stage.cost_fraction = cost.exit_fraction[k];
    stage.threshold = leaving_rule(policy, k, policy_context(table));
    stage.has_gate = graph.stages[k].exit.gate.has_value();
    stage.share = evaluation.shares[k];
    stage.accuracy = alone.accuracy;
    stage.accuracy_here = evaluation.leavers_quality[k];
    stage.ece = alone.ece;
    stage.brier = alone.brier;
    stage.failure_auroc = alone.failure_auroc.value_or(kUnknown);
    stages.push_back(std::move(stage));
  }
  return stages;
}

// Pictures of the surest and least sure samples that left at each exit.
std::vector<ReportGallery> galleries(const Entrant& entrant, const Evaluation& evaluation, const ModelData& data,
                                     const Split& split, const Batch& samples) {
  const Manifest& manifest = entrant.file.manifest;
  std::vector<uint8_t> pixels(static_cast<size_t>(element_count(data.data.image_shape)));
  std::vector<ReportGallery> rows;
  for (size_t k = 0; k < evaluation.shares.size(); ++k) {
    std::vector<size_t> here;
    for (size_t i = 0; i < evaluation.results.size(); ++i) {
      if (evaluation.results[i].exit_index == static_cast<int32_t>(k)) here.push_back(i);
    }
    const bool last = k + 1 == evaluation.shares.size();
    // At the last exit the policy gives no score worth ranking by: the probability of the answer serves.
    const auto sureness = [&](size_t i) {
      return last ? evaluation.results[i].probability : evaluation.results[i].score;
    };
    std::stable_sort(here.begin(), here.end(), [&](size_t a, size_t b) { return sureness(a) > sureness(b); });
    const auto row = [&](const std::string& title, const std::string& note, auto begin, auto end) {
      ReportGallery gallery{title, note, {}};
      for (auto it = begin; it != end && gallery.samples.size() < kPicturesPerRow; ++it) {
        const Result& result = evaluation.results[*it];
        data.source_of(split)->read(samples.indices[*it], pixels);
        gallery.samples.push_back(
            {encode_png(pixels, data.data.image_shape), manifest.class_names[static_cast<size_t>(samples.labels[*it])],
             manifest.class_names[static_cast<size_t>(result.label)], result.exit_index, sureness(*it)});
      }
      if (!gallery.samples.empty()) rows.push_back(std::move(gallery));
    };
    const std::string exit = fmt::format("exit {}", k);
    row(fmt::format("{}: the surest that left there", exit), k == 0 ? "the easiest of the split" : "", here.begin(),
        here.end());
    row(fmt::format("{}: the least sure that left there", exit), last ? "the hardest of the split" : "", here.rbegin(),
        here.rend());
  }
  return rows;
}

ReportModel report_model(const Entrant& entrant, const ModelData& data, const Split& split, const Batch& samples) {
  const Manifest& manifest = entrant.file.manifest;
  const Provenance& origin = manifest.provenance;
  const size_t chosen = chosen_policy(entrant);
  const auto& [rule, policy] = entrant.policies[chosen];
  const Evaluation& evaluation = entrant.evaluations[chosen];
  const LogitTable table = logit_table(entrant.model, samples);
  ReportModel model;
  model.name = entrant.name;
  model.description = fmt::format("{} with {} exits, trained {} for {} epochs (seed {}).", manifest.graph.name,
                                  manifest.graph.exits(), origin.regime, origin.epochs, origin.seed);
  model.plain_macs = static_cast<double>(entrant.model->cost().backbone_macs);
  model.parameters = static_cast<double>(entrant.model->cost().parameters);
  model.stages = report_stages(entrant, evaluation, table, policy);
  model.policy = policy_text(policy, manifest.graph.classes);
  model.operating_point = ReportPoint{rule, evaluation.cost_fraction, evaluation.quality, evaluation.shares};
  if (manifest.graph.exits() > 1) {
    const LogitTable tune = logit_table(entrant.model, load_all(manifest, data, data.splits.tune));
    const std::string curve_policy = has_thresholds(policy.name) ? policy.name : "max-prob";
    for (const CurvePoint& point : measured_curve(tune, table, curve_policy)) {
      model.curve.push_back(
          {fmt::format("{}, {}", curve_policy, point.label), point.cost, point.quality, point.shares, point.front});
    }
    model.classes = class_outcomes(manifest, evaluation, table);
    model.galleries = galleries(entrant, evaluation, data, split, samples);
  }
  model.training = training_series(entrant.run);
  model.config = origin.config_toml;
  return model;
}

std::string now_iso() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

void run(const ReportArguments& arguments) {
  const ModelOptions options = model_options(arguments.engine);
  std::vector<Entrant> entrants;
  if (!arguments.plain.empty()) entrants.push_back(open_entrant(arguments.plain, options));
  for (const std::string& path : arguments.runs) entrants.push_back(open_entrant(path, options));
  const Manifest& first = entrants.front().file.manifest;
  for (const Entrant& entrant : entrants) {
    const Manifest& manifest = entrant.file.manifest;
    expect_no_input(arguments.output, "-o", {model_path(entrant.run).string()});
    if (manifest.provenance.data_hash != first.provenance.data_hash ||
        manifest.preprocessing.mean != first.preprocessing.mean) {
      fail(Code::kInvalidArgument, "[report] '{}' and '{}' were trained on different data; report them apart",
           entrants.front().run.string(), entrant.run.string());
    }
  }
  expect_output(arguments.output, "-o", {});
  const ModelData data = open_model_data(first, arguments.data);
  const Split& split = data.splits.by_name(arguments.split);
  const Batch samples = load_all(first, data, split);
  Batch timed = samples;
  timed.n = std::min(arguments.timed, samples.n);
  timed.images.resize(static_cast<size_t>(timed.n * element_count(data.data.image_shape)));
  timed.labels.resize(static_cast<size_t>(timed.n));

  std::vector<Contestant> contestants;
  for (Entrant& entrant : entrants) {
    for (const auto& [rule, policy] : entrant.policies) {
      say(fmt::format("evaluating {}, {}", entrant.name, policy_text(policy, first.graph.classes)));
      entrant.evaluations.push_back(evaluate(entrant.model, policy, samples));
      contestants.push_back(
          {entrant.name, entrant.model, make_policy(policy, policy_context(entrant.model->manifest()))});
    }
  }
  say(fmt::format("timing {} samples, batch 1, one thread, {} interleaved passes", timed.n, arguments.repeats));
  const std::vector<Timing> timings = benchmark(contestants, timed, 1, arguments.repeats);

  ReportData report;
  report.title = fmt::format("{} on {}", first.graph.name, data.data.name);
  report.data_set = data.data.name;
  report.split = split.name;
  report.split_hash = split.hash;
  report.samples = samples.n;
  report.version = first.provenance.sooner_version;
  report.cpu = fmt::format("{} ({})", cpu_name(), to_string(cpu_features()));
  report.created_at = now_iso();
  Table table(
      {"network", "policy", "chosen by", "accuracy", "MACs of plain", "us per image", "time ratio", "exit shares"});
  size_t at = 0;
  for (const Entrant& entrant : entrants) {
    const bool plain = entrant.file.manifest.graph.exits() == 1;
    std::vector<ReportLatency> latency;
    for (size_t p = 0; p < entrant.policies.size(); ++p, ++at) {
      const Evaluation& evaluation = entrant.evaluations[p];
      const std::string& policy = entrant.policies[p].second.name;
      table.add({cell(entrant.name), cell(plain ? "-" : policy), cell(entrant.policies[p].first),
                 percent(evaluation.quality), number(evaluation.cost_fraction, 3), number(timings[at].median_us, 1),
                 number(timings[at].ratio, 3), cell(plain ? "-" : shares_text(evaluation.shares))});
      latency.push_back(
          {plain ? entrant.name : fmt::format("{}, {} ({})", entrant.name, policy, entrant.policies[p].first),
           entrant.model->backend_name(), std::string(to_string(entrant.model->precision())), 1, 1,
           timings[at].median_us, timings[at].call_p99_us, timings[at].ratio});
    }
    if (plain) {
      report.references.push_back({entrant.name, 1, entrant.evaluations[0].quality, {}});
    }
    ReportModel model = report_model(entrant, data, split, samples);
    if (const auto foretold =
            difficulty_auroc(entrant.evaluations[chosen_policy(entrant)], *data.source_of(split), samples)) {
      model.notes.push_back(
          fmt::format("{}: drawn difficulty foretells going past exit 0, AUROC {:.3f}", model.policy, *foretold));
    }
    model.latency = std::move(latency);
    report.models.push_back(std::move(model));
  }
  report.notes = {
      "Thresholds and operating points were chosen on the tune half of the calibration split; the split shown "
      "here was only reported on.",
      "MACs count every head and gate on the way; time is per image at batch 1 on one thread, interleaved, "
      "as a ratio to the first row."};
  write_html_report(report, arguments.output);
  table.print(arguments.form);
  for (const ReportModel& model : report.models) {
    for (const std::string& note : model.notes) say(fmt::format("{}, {}", model.name, note));
  }
  say(fmt::format("report: {}", arguments.output));
}

}  // namespace

void add_report(CLI::App& app) {
  const auto arguments = std::make_shared<ReportArguments>();
  app.add_option("runs", arguments->runs, "run folders or model files")->required();
  app.add_option("--plain", arguments->plain,
                 "the same network trained without exits: the first row, and the ratio's base");
  app.add_option("-o,--output", arguments->output, "the HTML page")->capture_default_str();
  app.add_option("--split", arguments->split, "train | validation | tune | guarantee | test")->capture_default_str();
  app.add_option("--timed", arguments->timed, "samples timed")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 30))
      ->capture_default_str();
  app.add_option("--repeats", arguments->repeats, "timed passes")->check(CLI::Range(1, 1000))->capture_default_str();
  add_engine_options(app, &arguments->engine);
  add_data_options(app, &arguments->data);
  add_output_options(app, &arguments->form);
  app.callback([arguments] { run(*arguments); });
}

}  // namespace sooner
