// `sooner eval`: answers a split with real exits and says what it cost.
#include <fmt/ranges.h>

#include <cmath>
#include <limits>

#include "cli/data_flags.h"
#include "cli/engine_flags.h"
#include "cli/output.h"
#include "cli/policy_flags.h"
#include "cli/shares_text.h"
#include "cli/table.h"
#include "command.h"
#include "eval/calibration_error.h"
#include "eval/score_auroc.h"
#include "measure/class_outcomes.h"
#include "measure/curve.h"
#include "measure/evaluate.h"
#include "measure/model_data.h"
#include "measure/record_table.h"
#include "network_drawing.h"

namespace sooner {
namespace {

struct EvalArguments {
  std::string model;
  std::string split = "test";
  int64_t limit = -1;
  std::vector<std::string> curves;
  bool classes = false;
  bool difficulties = false;
  std::string table;
  std::string save_table;
  EngineFlags engine;
  DataChoice data;
  PolicyFlags policy;
  OutputForm form = OutputForm::kText;
};

Cell percent_or_dash(double value) { return quality_cell({}, value); }

void print_classes(const Manifest& manifest, const Evaluation& evaluation, const LogitTable& table, OutputForm form) {
  Table rows({"class", "samples", "accuracy", "MACs of plain", "differs from last exit", "exit shares"});
  for (const ClassOutcome& one : class_outcomes(manifest, evaluation, table)) {
    const bool any = one.samples > 0;
    rows.add({cell(one.name), count(one.samples), percent_or_dash(one.accuracy), any ? number(one.cost, 3) : cell("-"),
              percent_or_dash(one.differs), cell(any ? shares_text(one.shares) : "-")});
  }
  rows.print(form);
}

// Rows of equally many samples each, from the easiest drawn to the hardest.
void print_difficulties(const Evaluation& evaluation, const ImageSource& source, const Batch& samples,
                        const std::shared_ptr<const Model>& model, OutputForm form) {
  const std::optional<Quantity>& quantity = model->manifest().quantity;
  const auto plain_macs = static_cast<double>(model->cost().backbone_macs);
  constexpr size_t kGroups = 10;
  std::vector<std::pair<double, size_t>> order;
  for (size_t i = 0; i < evaluation.results.size(); ++i) {
    order.emplace_back(source.difficulty(samples.indices[i]), i);
    if (std::isnan(order.back().first)) {
      fail(Code::kInvalidArgument,
           "[eval] this data set does not know how hard its images are; leave --by-difficulty out");
    }
  }
  std::ranges::sort(order);
  Table table({"difficulty", "samples", std::string(quality_word(quantity)), "MACs of plain", "exit shares"});
  for (size_t group = 0; group < kGroups; ++group) {
    const size_t begin = group * order.size() / kGroups, end = (group + 1) * order.size() / kGroups;
    if (begin == end) continue;
    const auto n = static_cast<double>(end - begin);
    double quality = 0, macs = 0;
    std::vector<double> shares(evaluation.shares.size());
    for (size_t at = begin; at < end; ++at) {
      const size_t i = order[at].second;
      quality += evaluation.qualities[i];
      macs += static_cast<double>(evaluation.macs[i]);
      shares[static_cast<size_t>(evaluation.results[i].exit_index)] += 1 / n;
    }
    table.add({cell(fmt::format("{:.2f} to {:.2f}", order[begin].first, order[end - 1].first)),
               count(static_cast<int64_t>(end - begin)), quality_cell(quantity, quality / n),
               number(macs / n / plain_macs, 3), cell(shares_text(shares))});
  }
  table.print(form);
}

void run_curves(const EvalArguments& arguments, const std::shared_ptr<const Model>& model, const ModelData& data,
                const Batch& samples) {
  const Batch tune = load_all(model->manifest(), data, data.splits.tune);
  const LogitTable tune_table = logit_table(model, tune);
  const LogitTable table = logit_table(model, samples);
  const std::optional<Quantity>& quantity = model->manifest().quantity;
  Table rows({"policy", "chosen by", "MACs of plain", std::string(quality_word(quantity)), "exit shares"});
  for (const std::string& policy : arguments.curves) {
    for (const CurvePoint& point : measured_curve(tune_table, table, policy)) {
      rows.add({cell(policy), cell(point.label), number(point.cost, 4), quality_cell(quantity, point.quality),
                cell(shares_text(point.shares))});
    }
  }
  rows.print(arguments.form);
}

// Every exit, leaving and answering alone.
Table exit_rows(const Evaluation& evaluation, const LogitTable& table, const PolicySpec& policy) {
  Table rows({"exit", "leaves if", "share", "accuracy of leavers", "accuracy alone", "ECE alone", "Brier alone",
              "failure AUROC", "score AUROC", "C"});
  const std::vector<std::optional<double>> scores = score_aurocs(table, policy);
  const std::vector<CalibrationError> errors = calibration_errors(table, policy.temperatures);
  const std::vector<double> cost = cost_of_exits(table, *make_policy(policy, policy_context(table)));
  for (size_t k = 0; k < evaluation.shares.size(); ++k) {
    const CalibrationError& alone = errors[k];
    rows.add({count(static_cast<int64_t>(k)), cell(leaving_rule(policy, k, policy_context(table))),
              percent(evaluation.shares[k], 1), percent_or_dash(evaluation.leavers_quality[k]), percent(alone.accuracy),
              number(alone.ece, 4), number(alone.brier, 4),
              alone.failure_auroc ? number(*alone.failure_auroc, 4) : cell("-"),
              scores[k] ? number(*scores[k], 4) : cell("-"), number(cost[k], 3)});
  }
  return rows;
}

double root_mean_square(std::span<const double> values) {
  double squares = 0;
  for (const double value : values) squares += value * value;
  return std::sqrt(squares / static_cast<double>(values.size()));
}

// The same of a regression.
Table number_exit_rows(const Evaluation& evaluation, const LogitTable& table, const PolicySpec& policy,
                       const std::optional<Quantity>& quantity) {
  Table rows({"exit", "leaves if", "share", "error of leavers", "error alone", "root mean square alone", "C"});
  const std::vector<double> alone = quality_of_exits(table);
  const std::vector<double> cost = cost_of_exits(table, *make_policy(policy, policy_context(table)));
  for (size_t k = 0; k < evaluation.shares.size(); ++k) {
    std::vector<double> errors;
    for (int64_t n = 0; n < table.samples; ++n) {
      errors.push_back(static_cast<double>(table.quality(n, static_cast<int32_t>(k), 0)));
    }
    rows.add({count(static_cast<int64_t>(k)), cell(leaving_rule(policy, k, policy_context(table))),
              percent(evaluation.shares[k], 1), quality_cell(quantity, evaluation.leavers_quality[k]),
              quality_cell(quantity, alone[k]), quality_cell(quantity, -root_mean_square(errors)), number(cost[k], 3)});
  }
  return rows;
}

// "accuracy 91.23 %", "mean absolute error 4.218 degrees, root mean square 5.902 degrees".
std::string headline(const Evaluation& evaluation, const std::optional<Quantity>& quantity) {
  const std::string quality = quality_text(quantity, evaluation.quality);
  if (!quantity) return "accuracy " + quality;
  return fmt::format("mean absolute error {}, root mean square {},", quality,
                     quality_text(quantity, -root_mean_square(evaluation.qualities)));
}

void add_quality(nlohmann::ordered_json& json, const Evaluation& evaluation, const std::optional<Quantity>& quantity) {
  if (!quantity) {
    json["accuracy"] = evaluation.quality;
    return;
  }
  json["quantity"] = quantity->name;
  json["unit"] = quantity->unit;
  json["mean_absolute_error"] = quality_number(quantity, evaluation.quality);
  json["root_mean_square_error"] = root_mean_square(evaluation.qualities);
}

void print_evaluation(const EvalArguments& arguments, const std::optional<Quantity>& quantity, const PolicySpec& policy,
                      const Evaluation& evaluation, const StoredTable& stored, std::optional<double> foretold) {
  const Origin& origin = stored.origin;
  const Table rows = quantity ? number_exit_rows(evaluation, stored.table, policy, quantity)
                              : exit_rows(evaluation, stored.table, policy);
  if (arguments.form == OutputForm::kText) {
    fmt::print("{} on {} of {}: {} samples, policy {}, {} {}\n", arguments.model, origin.split, origin.data_set,
               evaluation.samples, policy_text(policy, stored.table.classes), origin.backend, origin.precision);
    fmt::print("{} at {:.4f} of the plain network's MACs ({:.0f} {} per sample)\n\n", headline(evaluation, quantity),
               evaluation.cost_fraction, evaluation.mean_macs,
               arguments.table.empty() ? "executed" : "would be executed");
    if (evaluation.abstained > 0) {
      fmt::print("no answer for {:.1f} %; {} of the others {}\n\n", 100 * evaluation.abstained, quality_word(quantity),
                 quality_text(quantity, evaluation.answered_quality));
    }
    if (foretold) fmt::print("drawn difficulty foretells going past exit 0: AUROC {:.3f}\n\n", *foretold);
  }
  if (arguments.form != OutputForm::kJson) return rows.print(arguments.form);
  nlohmann::ordered_json json;
  json["model"] = arguments.model;
  json["data_set"] = origin.data_set;
  json["split"] = origin.split;
  json["samples"] = evaluation.samples;
  json["policy"] = policy.name;
  json["backend"] = origin.backend;
  json["precision"] = origin.precision;
  add_quality(json, evaluation, quantity);
  json["macs_of_plain"] = evaluation.cost_fraction;
  json["macs"] = evaluation.mean_macs;
  if (policy.wrappers.abstains()) {
    json["abstained"] = evaluation.abstained;
    json[fmt::format("answered_{}", quality_word(quantity))] = quality_number(quantity, evaluation.answered_quality);
  }
  if (foretold) json["difficulty_auroc"] = *foretold;
  json["exits"] = rows.json();
  fmt::print("{}\n", json.dump(2));
}

// What the policy would do with samples whose logits were recorded.
void run_on_table(const EvalArguments& arguments, const ModelFile& file) {
  StoredTable stored = load_table(arguments.table, file);
  const PolicySpec policy =
      policy_spec(file.manifest, arguments.policy, precision_from_string(stored.origin.precision));
  say_doubt(file.manifest, policy, stored.origin);
  if (!arguments.policy.stage_seconds.empty()) set_times(stored.table, arguments.policy.stage_seconds);
  const auto plain = static_cast<double>(compute_cost(file.manifest.graph).backbone_macs);
  const Evaluation evaluation = evaluate(stored.table, policy, plain);
  if (arguments.classes) return print_classes(file.manifest, evaluation, stored.table, arguments.form);
  print_evaluation(arguments, file.manifest.quantity, policy, evaluation, stored, std::nullopt);
}

void run(const EvalArguments& arguments) {
  expect_output(arguments.save_table, "--save-table", {arguments.model, arguments.table});
  const ModelFile file = load_model(arguments.model);
  if (arguments.classes) require_classes(file.manifest.quantity, "eval", "--per-class");
  if (!arguments.table.empty()) return run_on_table(arguments, file);
  const ModelOptions options = model_options(arguments.engine);
  const bool only_saved = !arguments.save_table.empty();
  if (only_saved && arguments.limit >= 0 && (arguments.split == "tune" || arguments.split == "guarantee")) {
    // The beginning of a split is no fair sample of it: folders come class after class.
    fail(Code::kInvalidArgument,
         "[eval] got --limit and --save-table of '{}', expected all of it: thresholds and promises rest on the whole "
         "split; leave --limit out",
         arguments.split);
  }
  const PolicySpec policy = only_saved ? PolicySpec{} : policy_spec(file.manifest, arguments.policy, options.precision);
  const ModelData data = open_model_data(file.manifest, arguments.data);
  const Split& split = data.splits.by_name(arguments.split);
  const auto model = Model::from_file(file, options);
  if (only_saved) {
    const StoredTable stored = record_table(model, data, split, arguments.limit);
    validate(stored.table);
    write_logit_table(stored, arguments.save_table);
    return say(
        fmt::format("logits of {} samples of {} stored in {}", stored.table.samples, split.name, arguments.save_table));
  }
  const Batch samples = load_all(file.manifest, data, split, arguments.limit);
  if (!arguments.curves.empty()) return run_curves(arguments, model, data, samples);

  say_doubt(file.manifest, policy, model->origin());
  const SessionOptions session_options{.stage_seconds = arguments.policy.stage_seconds};
  const ImageSource& source = *data.source_of(split);
  if (arguments.difficulties) {
    const Evaluation evaluation = evaluate(model, policy, samples, session_options);
    return print_difficulties(evaluation, source, samples, model, arguments.form);
  }
  EvaluationWithTable both = evaluate_with_table(model, policy, samples, session_options);
  if (arguments.classes) return print_classes(file.manifest, both.evaluation, both.table, arguments.form);
  print_evaluation(arguments, file.manifest.quantity, policy, both.evaluation,
                   {.table = std::move(both.table), .origin = origin_of(*model, data, split)},
                   difficulty_auroc(both.evaluation, source, samples));
}

}  // namespace

void add_eval(CLI::App& app) {
  const auto arguments = std::make_shared<EvalArguments>();
  app.add_option("model", arguments->model, "a .safetensors model")->required();
  CLI::Option* split = app.add_option("--split", arguments->split, "train | validation | tune | guarantee | test")
                           ->capture_default_str();
  CLI::Option* limit = app.add_option("--limit", arguments->limit, "only so many samples, spread evenly over the split")
                           ->check(CLI::Range(int64_t{1}, int64_t{1} << 40));
  CLI::Option* curve = app.add_option("--curve", arguments->curves,
                                      "for these policies: operating points chosen on tune, reported on the split")
                           ->delimiter(',');
  app.add_flag("--per-class", arguments->classes, "accuracy, cost, risk and exit shares of every class");
  CLI::Option* difficulties =
      app.add_flag("--by-difficulty", arguments->difficulties, "by how hard the images were drawn (built-in sets)");
  CLI::Option* save = app.add_option("--save-table", arguments->save_table,
                                     "store the split's logits in this file and do nothing else; for --table");
  CLI::Option* table = app.add_option(
      "--table", arguments->table, "report on stored logits: what the policy would do with them; nothing is computed");
  add_engine_options(app, &arguments->engine);
  add_data_options(app, &arguments->data);
  exclude_engine_and_data(app, *table);
  for (CLI::Option* other : {split, limit, curve, difficulties, save}) table->excludes(other);
  for (CLI::Option* other : {curve, difficulties}) save->excludes(other);
  add_policy_options(app, &arguments->policy);
  exclude_policy_options(app, *save);
  add_output_options(app, &arguments->form);
  app.callback([arguments] { run(*arguments); });
}

}  // namespace sooner
