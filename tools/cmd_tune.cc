// `sooner tune`: chooses thresholds on the tune half of the calibration split and stores them in the model file.
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "command.h"
#include "engine_flags.h"
#include "guarantee_text.h"
#include "measure.h"
#include "model_data.h"
#include "network_drawing.h"
#include "policy_flags.h"
#include "table.h"
#include "tune/calibrate.h"
#include "tune/calibrate_risk.h"

namespace sooner {
namespace {

struct TuneArguments {
  std::string model;
  std::string output;
  std::string policy = "max-prob";
  double drop = -1;
  double budget = -1;
  std::vector<double> shares;
  bool untouched = false;
  std::optional<double> risk;
  std::optional<double> delta;
  std::string loss;
  std::string bound;
  bool raw = false;
  bool keep_default = false;
  int32_t always_exit = 0;
  EngineFlags engine;
  DataFlags data;
  OutputForm form = OutputForm::kText;
};

CalibrationRule rule_of(const TuneArguments& arguments, const PolicySpec& policy) {
  CalibrationRule rule;
  const int given = (arguments.drop >= 0 ? 1 : 0) + (arguments.budget >= 0 ? 1 : 0) +
                    (arguments.shares.empty() ? 0 : 1) + (arguments.untouched ? 1 : 0) + (arguments.risk ? 1 : 0);
  if (given > 1) {
    fail(Code::kInvalidArgument, "[tune] got {} rules; give one of --drop, --budget, --shares, --untouched, --risk",
         given);
  }
  if (arguments.drop >= 0) {
    rule.kind = CalibrationRule::Kind::kAccuracyDrop;
    rule.value = arguments.drop / 100;
  } else if (arguments.budget >= 0) {
    rule.kind = CalibrationRule::Kind::kBudget;
    rule.value = arguments.budget;
  } else if (!arguments.shares.empty()) {
    rule.kind = CalibrationRule::Kind::kShares;
    rule.shares = arguments.shares;
  } else if (!arguments.untouched && has_thresholds(policy.name)) {
    rule.kind = CalibrationRule::Kind::kAccuracyDrop;
    rule.value = 0.003;
  }
  return rule;
}

// What --risk and its companions ask for; nothing without it.
std::optional<RiskRule> risk_rule_of(const TuneArguments& arguments) {
  if (!arguments.risk) {
    if (!arguments.delta && arguments.loss.empty() && arguments.bound.empty()) return std::nullopt;
    fail(Code::kInvalidArgument, "[tune] got --{}, which belongs to --risk; add --risk, the largest risk",
         arguments.delta          ? "delta"
         : arguments.loss.empty() ? "bound"
                                  : "loss");
  }
  if (!arguments.bound.empty() && !arguments.delta) {
    fail(Code::kInvalidArgument,
         "[tune] the bound '{}' does not fit a promise in expectation, which rests on none; add --delta, or leave "
         "--bound out",
         arguments.bound);
  }
  if (!has_thresholds(arguments.policy)) {
    fail(Code::kInvalidArgument, "[tune] policy '{}' has no thresholds to choose, so no risk to control",
         arguments.policy);
  }
  RiskRule rule{.options = {.level = *arguments.risk, .delta = arguments.delta}};
  if (!arguments.loss.empty()) rule.loss = risk_loss_from_string(arguments.loss);
  if (!arguments.bound.empty()) rule.options.bound = risk_bound_from_string(arguments.bound);
  check_risk_options(rule.options);
  return rule;
}

void check_not_empty(const Split& split, const std::string& data_set) {
  if (!split.indices.empty()) return;
  fail(Code::kFailedPrecondition,
       "[tune] the split '{}' of {} is empty: the model was trained with [split] calibration = 0, and a promise needs "
       "samples kept for it",
       split.name, data_set);
}

RiskCalibration calibrate_on_splits(const ModelFile& file, const std::shared_ptr<const Model>& model,
                                    const ModelData& data, const TuneArguments& arguments, const RiskRule& rule) {
  const Split& guarantee = data.splits.guarantee;
  check_not_empty(data.splits.tune, data.data.name);
  check_not_empty(guarantee, data.data.name);
  check_unused_for_tuning(guarantee.hash, file.manifest.calibrations);
  check_risk_samples(rule.options, static_cast<int64_t>(guarantee.indices.size()));
  RiskCalibration made = calibrate_with_risk(logit_table(model, load_all(file.manifest, data, data.splits.tune)),
                                             logit_table(model, load_all(file.manifest, data, guarantee)),
                                             arguments.policy, rule, !arguments.raw);
  made.record.guarantee->split_hash = guarantee.hash;
  return made;
}

void run(const TuneArguments& arguments) {
  const std::optional<RiskRule> risk = risk_rule_of(arguments);
  ModelFile file = load_model(arguments.model);
  PolicySpec policy =
      parse_policy(file.manifest, arguments.policy, precision_from_string(arguments.engine.precision), false);
  policy.always_exit = policy.name == "always" ? arguments.always_exit : 0;
  const CalibrationRule rule = rule_of(arguments, policy);
  const auto model = Model::from_file(file, model_options(arguments.engine));
  const ModelData data = open_model_data(file.manifest, arguments.data);
  const Split& split = data.splits.tune;
  CalibrateOptions options;
  options.fit_temperatures = !arguments.raw;
  RiskChoice choice;
  CalibrationRecord record;
  if (risk) {
    RiskCalibration made = calibrate_on_splits(file, model, data, arguments, *risk);
    record = std::move(made.record);
    choice = std::move(made.choice);
  } else {
    const Batch samples = load_all(file.manifest, data, split);
    record = calibrate(logit_table(model, samples), policy, rule, options);
  }
  record.data_set = data.data.name;
  record.split_hash = split.hash;
  record.precision = std::string(to_string(model->precision()));
  record.backend = model->backend_name();
  record.instruction_set = model->instruction_set();

  // One record per policy and rule; the newest is the default unless asked otherwise.
  std::vector<CalibrationRecord>& records = file.manifest.calibrations;
  std::erase_if(records, [&](const CalibrationRecord& old) {
    return old.policy.name == record.policy.name && old.rule == record.rule && old.precision == record.precision;
  });
  records.push_back(record);
  if (!arguments.keep_default) file.manifest.policy = record.policy;
  const std::string output = arguments.output.empty() ? arguments.model : arguments.output;
  save_model(file, output);

  Table table({"exit", "leaves if", "share", "accuracy alone", "C"});
  for (size_t k = 0; k < record.exit_shares.size(); ++k) {
    table.add({count(static_cast<int64_t>(k)),
               cell(leaving_rule(record.policy, k, k + 1 == record.exit_shares.size(),
                                 static_cast<int32_t>(file.manifest.graph.classes))),
               percent(record.exit_shares[k], 1), percent(record.exit_accuracy[k]),
               number(model->cost().exit_fraction[k], 3)});
  }
  table.print(arguments.form);
  say(fmt::format(
      "{}, {}: expected {:.2f} % at {:.3f} of the plain MACs ({} samples of {}; last exit {:.2f} %); stored in {}",
      record.policy.name, record.rule, 100 * record.accuracy, record.cost_fraction, record.samples, split.name,
      100 * record.last_exit_accuracy, output));
  if (!record.guarantee) return;
  say("guarantee: " + guarantee_text(*record.guarantee));
  say(fmt::format("on {} samples of guarantee: risk {:.2f} %, bound {:.2f} %, {:.1f} % of the last exit's MACs saved",
                  choice.samples, 100 * choice.risk, 100 * choice.bound, 100 * choice.saved));
}

}  // namespace

void add_tune(CLI::App& app) {
  const auto arguments = std::make_shared<TuneArguments>();
  app.add_option("model", arguments->model, "a .safetensors model; rewritten in place unless -o is given")->required();
  app.add_option("-o,--output", arguments->output, "write the tuned model here instead");
  app.add_option(
         "--policy", arguments->policy,
         policy_choice() + "; any(...) and all(...) take parts, which stay as they are: 'any(max-prob=0.9,patience=2)'")
      ->capture_default_str();
  app.add_option(
         "--drop", arguments->drop,
         "cheapest thresholds that lose at most this many percentage points against the last exit (default: 0.3)")
      ->check(CLI::Range(0.0, 100.0));
  app.add_option("--budget", arguments->budget,
                 "most accurate thresholds of MSDNet's family within this mean cost, as a fraction of "
                 "the plain network's MACs")
      ->check(CLI::Range(0.0, 100.0));
  app.add_option("--shares", arguments->shares, "thresholds that give these exit shares, one per exit")->delimiter(',');
  app.add_flag("--untouched", arguments->untouched, "the policy's own rule: gate and confidence at 0.5, patience at 1");
  app.add_option("--risk", arguments->risk,
                 "cheapest thresholds shown to have at most this risk (mean loss, 0 to 1) by the guarantee half, which "
                 "nothing else looks at; in expectation unless --delta is given");
  app.add_option("--delta", arguments->delta, "how often the promise of --risk may fail, 0 to 1");
  app.add_option("--loss", arguments->loss,
                 "differs: from the last exit's answer (default) | accuracy-gap: wrong where the last exit is right");
  app.add_option("--bound", arguments->bound,
                 "with --delta: binomial, exact for these losses (default) | hoeffding-bentkus | betting");
  app.add_flag("--raw", arguments->raw, "do not fit softmax temperatures first");
  app.add_flag("--keep-default", arguments->keep_default,
               "store the record without making it the model's default policy");
  app.add_option("--exit", arguments->always_exit, "always: the exit")->capture_default_str();
  add_engine_options(app, &arguments->engine);
  add_data_options(app, &arguments->data);
  add_output_options(app, &arguments->form);
  app.callback([arguments] { run(*arguments); });
}

}  // namespace sooner
