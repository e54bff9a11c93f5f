// `sooner tune`: chooses thresholds on the tune half of the calibration split and stores them in the model file.
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "cli/data_flags.h"
#include "cli/engine_flags.h"
#include "cli/output.h"
#include "cli/policy_flags.h"
#include "cli/table.h"
#include "command.h"
#include "core/file.h"
#include "core/text.h"
#include "eval/accuracy_cost_curve.h"
#include "format/json_reader.h"
#include "format/model_update.h"
#include "measure/model_data.h"
#include "measure/record_table.h"
#include "measure/why_unseen.h"
#include "network_drawing.h"
#include "policy/guarantee_text.h"
#include "policy/policy_kind.h"
#include "profile/profile.h"
#include "tune/calibrate.h"
#include "tune/choosing/grid.h"
#include "tune/risk/promises.h"

namespace sooner {
namespace {

struct TuneArguments {
  std::string model;
  std::string output;
  std::string policy = "max-prob";
  std::optional<double> drop;
  bool by_time = false;
  std::optional<double> class_drop;
  std::optional<double> budget;
  std::vector<double> shares;
  bool untouched = false;
  std::optional<double> risk;
  std::optional<double> delta;
  std::string loss;
  std::string bound;
  std::optional<int64_t> promises;
  bool unseen = false;
  bool anew = false;
  std::string name;
  std::optional<double> coverage;
  std::optional<double> most_error;
  std::string front;
  std::string plain;
  bool raw = false;
  bool keep_default = false;
  SettingFlags settings;
  bool surest_so_far = false;
  bool missing_classes = false;
  std::string table;
  std::string guarantee_table;
  EngineFlags engine;
  DataChoice data;
  OutputForm form = OutputForm::kText;
};

// Of a flag.
double within(double value, double high, std::string_view flag, std::string_view unit) {
  if (value >= 0 && value <= high) return value;
  fail(Code::kInvalidArgument, "[tune] --{} got {}, expected 0 to {:.4g}{}", flag, value, high, unit);
}

// Of --drop: points of accuracy, or of a regression what the mean error may rise by, in its unit.
double allowed_loss(double value, const std::optional<Quantity>& quantity) {
  if (quantity) {
    if (value >= 0 && std::isfinite(value)) return value;
    fail(Code::kInvalidArgument, "[tune] --drop got {}, expected a number from 0, in {}", value, quantity->unit);
  }
  return within(value, 100, "drop", " percentage points") / 100;
}

// What --risk and its companions ask for; nothing without it.
std::optional<RiskTerms> risk_terms_of(const TuneArguments& arguments) {
  if (!arguments.risk) {
    const std::string_view companion = arguments.delta                      ? "delta"
                                       : !arguments.loss.empty()            ? "loss"
                                       : !arguments.bound.empty()           ? "bound"
                                       : arguments.promises                 ? "promises"
                                       : arguments.unseen                   ? "unseen"
                                       : arguments.anew                     ? "anew"
                                       : !arguments.guarantee_table.empty() ? "guarantee-table"
                                                                            : "";
    if (companion.empty()) return std::nullopt;
    fail(Code::kInvalidArgument, "[tune] got --{}, which belongs to --risk; add --risk, the largest risk", companion);
  }
  if (!arguments.bound.empty() && !arguments.delta) {
    fail(Code::kInvalidArgument,
         "[tune] the bound '{}' does not fit a promise in expectation, which rests on none; add --delta, or leave "
         "--bound out",
         arguments.bound);
  }
  if (!has_thresholds(policy_name(arguments.policy))) {
    fail(Code::kInvalidArgument, "[tune] policy '{}' has no thresholds to choose, so no risk to control",
         policy_name(arguments.policy));
  }
  RiskTerms terms{.level = *arguments.risk, .delta = arguments.delta, .promises = arguments.promises.value_or(1)};
  if (!arguments.loss.empty()) terms.loss = risk_loss_from_string(arguments.loss);
  if (!arguments.bound.empty()) terms.bound = risk_bound_from_string(arguments.bound);
  check_risk_terms(terms);
  return terms;
}

CalibrationRule rule_of(const TuneArguments& arguments, const PolicySpec& policy,
                        const std::optional<Quantity>& quantity) {
  using Kind = CalibrationRule::Kind;
  CalibrationRule rule;
  const int others = (arguments.class_drop ? 1 : 0) + (arguments.budget ? 1 : 0) + (arguments.shares.empty() ? 0 : 1) +
                     (arguments.untouched ? 1 : 0) + (arguments.risk ? 1 : 0);
  if (const int given = others + (arguments.drop ? 1 : 0); given > 1) {
    fail(Code::kInvalidArgument,
         "[tune] got {} rules; give one of --drop, --class-drop, --budget, --shares, --untouched, --risk", given);
  }
  if (arguments.by_time && others > 0) {
    fail(Code::kInvalidArgument, "[tune] got --by-time, which belongs to --drop, beside another rule; leave it out");
  }
  if (arguments.drop) {
    rule.kind = arguments.by_time ? Kind::kLatency : quantity ? Kind::kErrorRise : Kind::kAccuracyDrop;
    rule.value = allowed_loss(*arguments.drop, quantity);
  } else if (arguments.class_drop) {
    require_classes(quantity, "tune", "--class-drop");
    rule.kind = Kind::kClassDrop;
    rule.value = within(*arguments.class_drop, 100, "class-drop", " percent") / 100;
  } else if (arguments.budget) {
    rule.kind = Kind::kBudget;
    rule.value = within(*arguments.budget, 100, "budget", " times the plain network's MACs");
  } else if (!arguments.shares.empty()) {
    rule.kind = Kind::kShares;
    rule.shares = arguments.shares;
  } else if (arguments.risk) {
    rule.kind = Kind::kRisk;
    rule.risk = risk_terms_of(arguments);
  } else if (!arguments.untouched && has_thresholds(policy.name)) {
    if (quantity) {
      fail(Code::kInvalidArgument,
           "[tune] got no rule, and how much the error in {} may rise is for you to say; give --drop, --budget or "
           "--shares",
           quantity->unit);
    }
    rule.kind = arguments.by_time ? Kind::kLatency : Kind::kAccuracyDrop;
    rule.value = 0.003;
  }
  return rule;
}

std::optional<Abstention> abstention_of(const TuneArguments& arguments) {
  if (!arguments.coverage && !arguments.most_error) return std::nullopt;
  if (arguments.risk) {
    fail(Code::kInvalidArgument, "[tune] --risk promises nothing about answers that are not given; leave --{} out",
         arguments.coverage ? "coverage" : "most-error");
  }
  if (arguments.coverage) {
    return Abstention{AbstainGoal::kCoverage, within(*arguments.coverage, 1, "coverage", " of the samples")};
  }
  return Abstention{AbstainGoal::kError, within(*arguments.most_error, 100, "most-error", " percent") / 100};
}

// Averages hide what nobody measured.
void check_classes(const StoredTable& stored, const std::vector<std::string>& class_names, bool insisted) {
  std::vector<std::string> missing = class_names;
  for (const int32_t label : stored.table.labels) missing[static_cast<size_t>(label)].clear();
  std::erase(missing, "");
  if (missing.empty()) return;
  constexpr size_t kNamed = 5;
  const size_t others = missing.size() - std::min(kNamed, missing.size());
  missing.resize(missing.size() - others);
  const std::string named =
      fmt::format("{}{}", fmt::join(missing, ", "), others > 0 ? fmt::format(" and {} more", others) : "");
  if (!insisted) {
    fail(Code::kFailedPrecondition,
         "[tune] '{}' holds no sample of {}, so nothing would be known about what thresholds do there; keep more for "
         "calibration{}",
         stored.origin.split, named, stored.origin.split == "tune" ? ", or insist with --missing-classes" : "");
  }
  say(fmt::format("warning: {} holds no sample of {}: nothing is known about what these thresholds do there",
                  stored.origin.split, named));
}

// What an abstention does on the tune half.
void say_abstention(const StoredTable& tune, const PolicySpec& policy) {
  const LogitTable& table = tune.table;
  const Replay replayed = replay(table, *make_policy(policy, policy_context(table)));
  double right = 0;
  int64_t answered = 0;
  for (int64_t n = 0; n < table.samples; ++n) {
    const auto i = static_cast<size_t>(n);
    if (replayed.left[i] == Left::kAbstains) continue;
    ++answered;
    right += static_cast<double>(table.quality(n, replayed.exit_index[i], replayed.label[i]));
  }
  say(fmt::format("no answer for {:.1f} % of them; accuracy of the others {}", 100 * replayed.abstained,
                  answered == 0 ? "-" : quality_text({}, right / static_cast<double>(answered))));
}

// The curve of a grid of thresholds on the tune half, as comma-separated values.
void write_front(const StoredTable& tune, const PolicySpec& policy, const std::string& path,
                 const std::optional<Quantity>& quantity) {
  const ScoreTable scores = score_table(tune.table, policy);
  std::vector<CurvePoint> front;
  for (const ThresholdChoice& choice : grid_front(scores, policy.name, tune.table.classes)) {
    front.push_back(
        {.cost = choice.expected.cost, .quality = choice.expected.quality, .shares = choice.expected.shares});
    front.back().spec.thresholds = Threshold::scores(choice.thresholds);
  }
  const ThresholdUnit& unit = policy_kind(policy.name, tune.table.classes).unit;
  const std::optional<size_t> bend = knee(front);
  std::string text = fmt::format("macs_of_plain,{},knee,exit_shares,thresholds\n", quality_word(quantity));
  for (size_t i = 0; i < front.size(); ++i) {
    std::vector<std::string> thresholds;
    for (const double score : scores_of(front[i].spec.thresholds)) {
      thresholds.push_back(threshold_argument(score, unit, tune.table.classes));
    }
    text += fmt::format("{:.6f},{:.6f},{},{:.4f},{}\n", front[i].cost, quality_number(quantity, front[i].quality),
                        bend == i ? 1 : 0, fmt::join(front[i].shares, " "), fmt::join(thresholds, " "));
  }
  write_file_atomically(path, text);
  say(fmt::format(
      "{} points of a grid on {} that no other beats, in {}{}", front.size(), tune.origin.split, path,
      bend ? fmt::format("; the knee is {} at {:.3f}", quality_text(quantity, front[*bend].quality), front[*bend].cost)
           : ""));
}

StoredTable table_of_split(const std::string& path, const ModelFile& file, std::string_view split) {
  StoredTable table = load_table(path, file);
  if (table.origin.split == split) return table;
  fail(Code::kFailedPrecondition, "[tune] the table '{}' is of the split '{}', expected '{}'; record that one", path,
       table.origin.split, split);
}

// Samples that a promise rests on, and why the network has not learnt them.
struct Promised {
  StoredTable samples;
  Unseen unseen = Unseen::kRecorded;
};

// Logits that the engine computes, or that a table holds.
class Logits {
 public:
  Logits(const TuneArguments& arguments, const ModelFile& file) : arguments_(arguments), file_(file) {
    if (!arguments.table.empty()) table_ = table_of_split(arguments.table, file, "tune");
  }
  [[nodiscard]] Precision precision() const {
    return precision_from_string(table_ ? table_->origin.precision : arguments_.engine.precision);
  }
  StoredTable tune() {
    if (table_) return *table_;
    const ModelOptions options = model_options(arguments_.engine);
    backend_ = make_backend(options.backend);
    model_ = Model::compile(file_, *backend_, options);
    data_ = open_model_data(file_.manifest, arguments_.data);
    return record_table(model_, data_, data_.splits.tune);
  }
  // After tune(). On this machine.
  [[nodiscard]] std::vector<double> times() const {
    const Batch samples = load_all(file_.manifest, data_, data_.splits.tune, model_->batch_max());
    return exit_times(profile(*model_, *backend_, samples.images, static_cast<int32_t>(samples.n)));
  }
  // After tune(). Checks that a promise has room beside others on these samples, that these are enough, and that the
  // network has not learnt them, before it computes any.
  [[nodiscard]] Promised guarantee(const PolicySpec& policy, const CalibrationRule& rule,
                                   const std::vector<CalibrationRecord>& records) const {
    const Provenance& provenance = file_.manifest.provenance;
    if (table_) {
      if (arguments_.guarantee_table.empty()) {
        fail(Code::kInvalidArgument, "[tune] --risk with --table needs --guarantee-table, of the other half");
      }
      Promised promised{table_of_split(arguments_.guarantee_table, file_, "guarantee")};
      const Origin& origin = promised.samples.origin;
      promised.unseen = why_unseen(provenance, origin.data_set, "", arguments_.unseen);
      check_room_for_promise(origin.split_hash, policy, rule, origin, records);
      return promised;
    }
    const Split& split = data_.splits.guarantee;
    const Unseen unseen = why_unseen(provenance, data_.data.name, data_.data.hash, arguments_.unseen);
    check_room_for_promise(split.hash, policy, rule, model_->origin(), records);
    if (!split.indices.empty()) check_risk_samples(*rule.risk, static_cast<int64_t>(split.indices.size()));
    return {record_table(model_, data_, split), unseen};
  }
  // After tune(): which samples a promise would rest on.
  [[nodiscard]] std::string guarantee_hash() const {
    if (!table_) return data_.splits.guarantee.hash;
    if (arguments_.guarantee_table.empty()) return "";
    return table_of_split(arguments_.guarantee_table, file_, "guarantee").origin.split_hash;
  }

 private:
  const TuneArguments& arguments_;
  const ModelFile& file_;
  std::optional<StoredTable> table_;
  std::unique_ptr<const Backend> backend_;
  std::shared_ptr<const Model> model_;
  ModelData data_;
};

// What the network trained without exits answers these samples with, mean quality.
double plain_quality(const TuneArguments& arguments, const StoredTable& tune, const Manifest& manifest) {
  const ModelFile plain = load_model(arguments.plain);
  if (plain.manifest.class_names != manifest.class_names || plain.manifest.quantity != manifest.quantity) {
    fail(Code::kFailedPrecondition,
         "[tune] --plain '{}' answers with other classes than '{}'; name the same network trained without exits",
         arguments.plain, arguments.model);
  }
  if (const size_t exits = plain.manifest.graph.exits(); exits > 1) {
    fail(Code::kFailedPrecondition,
         "[tune] --plain '{}' has {} early {}, expected none; name the same network trained without exits",
         arguments.plain, exits - 1, exits == 2 ? "exit" : "exits");
  }
  const ModelData data = open_model_data(plain.manifest, arguments.data);
  if (data.splits.tune.hash != tune.origin.split_hash) {
    fail(
        Code::kFailedPrecondition,
        "[tune] --plain '{}' was trained on another split of its data: it may have learnt samples of {}; train it with "
        "the split of '{}'",
        arguments.plain, tune.origin.split, arguments.model);
  }
  EngineFlags engine = arguments.engine;
  engine.precision = tune.origin.precision;
  const auto model = Model::from_file(plain, model_options(engine));
  return quality_of_exits(record_table(model, data, data.splits.tune).table).back();
}

// A budget is a fraction of the plain network's MACs; who means percent has asked for nothing.
void check_budget(const CalibrationRule& rule, const LogitTable& table) {
  const double last = std::max(1.0, table.exit_cost.back());
  if (rule.kind != CalibrationRule::Kind::kBudget || rule.value <= last) return;
  fail(
      Code::kInvalidArgument,
      "[tune] --budget got {}, expected at most {:.4g}, what everybody at the last exit costs: a fraction of the plain "
      "network's MACs",
      rule.value, last);
}

// The policy that answers at a precision where nobody names one; nothing where the model has none for it.
std::string default_text(const Manifest& manifest, std::string_view precision) {
  const std::optional<PolicySpec> policy = find_policy_at(manifest.policy, manifest.calibrations, precision);
  return policy ? policy_text(*policy, static_cast<int32_t>(manifest.graph.classes)) : "";
}

// The default policy is one for all precisions: says what becomes of it at those that `before` had calibrations for.
void say_other_defaults(const Manifest& before, const Manifest& after, const std::string& made_for) {
  std::set<std::string> precisions;
  for (const CalibrationRecord& record : before.calibrations) precisions.insert(record.origin.precision);
  for (const std::string& precision : precisions) {
    const std::string old = default_text(before, precision), now = default_text(after, precision);
    if (precision == made_for || precision.empty() || old == now || old.empty()) continue;
    say(fmt::format(
        "note: the default policy of {}, {}, {}; --keep-default leaves it, and --calibration names this one", precision,
        old, now.empty() ? "is gone with it: this rule has chosen nothing there" : fmt::format("is now {}", now)));
  }
}

void run(const TuneArguments& arguments) {
  const std::optional<RiskTerms> risk = risk_terms_of(arguments);
  if (risk && arguments.missing_classes) {
    fail(Code::kInvalidArgument,
         "[tune] got --missing-classes and --risk: nothing can be promised about a class that nobody measured");
  }
  expect_output(arguments.front, "--front",
                {arguments.model, arguments.output, arguments.table, arguments.guarantee_table});
  expect_output(arguments.output, "-o", {arguments.table, arguments.guarantee_table});
  if (arguments.output.empty()) expect_writable(arguments.model);
  if (!arguments.name.empty() && !is_plain_name(arguments.name)) {
    fail(Code::kInvalidArgument, "[tune] --name got '{}', expected text without control characters, in UTF-8",
         printable(arguments.name));
  }
  ModelUpdate update(arguments.model);
  ModelFile& file = update.file();
  const Manifest before = file.manifest;
  const std::optional<Quantity> quantity = file.manifest.quantity;
  if (risk) require_classes(quantity, "tune", "--risk");
  if (risk && arguments.surest_so_far) {
    fail(Code::kInvalidArgument,
         "[tune] --risk promises how little is lost against the last exit's own answers; leave --surest-so-far out");
  }
  if (abstention_of(arguments)) require_classes(quantity, "tune", arguments.coverage ? "--coverage" : "--most-error");
  Logits logits(arguments, file);
  PolicySpec policy = parse_policy(file.manifest, arguments.policy, logits.precision(), false);
  if (has_thresholds(policy.name) && arguments.policy != policy.name) {
    fail(Code::kInvalidArgument,
         "[tune] got '{}', expected the name alone: choosing the thresholds of '{}' is what "
         "tune does; `sooner eval --policy {}` answers with these",
         arguments.policy, policy.name, arguments.policy);
  }
  // Those of an earlier tuning were asked for or fitted then; "always=1" has just said its own.
  if (arguments.policy == policy.name) policy.settings = {};
  set_settings(policy, arguments.settings, static_cast<int32_t>(file.manifest.graph.classes));
  // What is promised below is without them; a threshold of an earlier tuning is on another scale.
  policy.wrappers = {.surest_so_far = arguments.surest_so_far};
  CalibrationRule rule = rule_of(arguments, policy, quantity);
  const StoredTable tune = logits.tune();
  check_budget(rule, tune.table);
  if (rule.kind == CalibrationRule::Kind::kLatency) rule.times = logits.times();
  check_classes(tune, file.manifest.class_names, arguments.missing_classes);
  std::optional<double> plain;
  if (!arguments.plain.empty()) plain = plain_quality(arguments, tune, file.manifest);
  rule.abstention = abstention_of(arguments);
  RiskChoice choice;
  CalibrateOptions options{.name = arguments.name, .fit_temperatures = !arguments.raw, .risk_choice = &choice};
  std::vector<CalibrationRecord>& records = file.manifest.calibrations;
  CalibrationRecord record;
  if (risk) {
    if (arguments.anew) options.withdrawn = withdraw_promises(logits.guarantee_hash(), records);
    const Promised promised = logits.guarantee(policy, rule, records);
    check_classes(promised.samples, file.manifest.class_names, false);
    options.unseen = promised.unseen;
    options.beside = records;
    record = calibrate({tune, promised.samples}, policy, rule, options);
  } else {
    record = calibrate(tune, policy, rule, options);
  }
  std::vector<std::string> replaced;
  for (const CalibrationRecord* old : replaced_by(record, records)) {
    if (arguments.keep_default && old->policy == file.manifest.policy) {
      fail(Code::kFailedPrecondition,
           "[tune] the default policy is that of the calibration '{}', whose place this one would take; choose another "
           "--name or rule, or leave --keep-default out",
           record_name(*old));
    }
    replaced.push_back(fmt::format("takes the place of '{}' ({})", record_name(*old), to_string(old->rule)));
  }
  add_record(records, record);
  if (!arguments.keep_default) file.manifest.policy = record.policy;
  // First: what fails must not leave another model behind.
  if (!arguments.front.empty()) write_front(tune, record.policy, arguments.front, quantity);
  const std::string output = arguments.output.empty() ? arguments.model : arguments.output;
  update.save(output);
  for (const std::string& line : replaced) say(line);
  say_other_defaults(before, file.manifest, record.origin.precision);

  const std::vector<double> cost = cost_of_exits(tune.table, *make_policy(record.policy, policy_context(tune.table)));
  Table table({"exit", "leaves if", "share", fmt::format("{} alone", quality_word(quantity)), "C"});
  for (size_t k = 0; k < record.exit_shares.size(); ++k) {
    table.add({count(static_cast<int64_t>(k)), cell(leaving_rule(record.policy, k, policy_context(file.manifest))),
               percent(record.exit_shares[k], 1), quality_cell(quantity, record.exit_quality[k]), number(cost[k], 3)});
  }
  table.print(arguments.form);
  say(fmt::format("{}, {}: expected {} at {:.3f} of the plain MACs ({} samples of {}; last exit {}); stored in {}",
                  record.policy.name, rule_text(record, tune.table.classes), quality_text(quantity, record.quality),
                  record.cost_fraction, record.samples, tune.origin.split,
                  quality_text(quantity, record.last_exit_quality), output));
  if (rule.kind == CalibrationRule::Kind::kLatency) {
    double time = 0;
    for (size_t k = 0; k < rule.times.size(); ++k) time += record.exit_shares[k] * rule.times[k];
    say(fmt::format("expected time, as measured now: {:.3f} of the plain network's (everybody to the last exit {:.3f})",
                    time, rule.times.back()));
  }
  if (plain) {
    say(fmt::format("the network without exits, {}: {} of the same samples", arguments.plain,
                    quality_text(quantity, *plain)));
  }
  if (rule.abstention) say_abstention(tune, record.policy);
  if (!record.guarantee) return;
  say("guarantee: " + guarantee_text(record));
  if (record.rule.risk->promises > 1) {
    say(fmt::format("promise {} of {} on these samples; all of them hold at once with probability {:.10g} %",
                    record.guarantee->number, record.rule.risk->promises, 100 * (1 - *record.rule.risk->delta)));
  }
  if (options.withdrawn > 0) {
    say(fmt::format(
        "warning: {} on these samples taken back; what is promised now holds if nothing they showed led to "
        "it, which the promise says",
        options.withdrawn == 1 ? "1 earlier promise is" : fmt::format("{} earlier promises are", options.withdrawn)));
  }
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
         policy_choice() + "; any(...) and all(...) take parts, which stay as they are: 'any(max-prob=0.9,patience=1)'")
      ->capture_default_str();
  app.add_option(
      "--drop", arguments->drop,
      "cheapest thresholds that lose at most this many percentage points against the last exit (default: 0.3); of a "
      "regression, whose mean error lies at most so much above the last exit's, in its unit");
  CLI::Option* by_time =
      app.add_flag("--by-time", arguments->by_time,
                   "of --drop: the cheapest by the time that every stage takes on this machine, measured now with "
                   "--batch samples at once on one thread, not by MACs");
  app.add_option("--class-drop", arguments->class_drop,
                 "thresholds by class: of the samples that an exit answers with a class and lets go, at most this many "
                 "percent may be lost against the last exit");
  app.add_option("--budget", arguments->budget,
                 "best thresholds of MSDNet's family within this mean cost, as a fraction of "
                 "the plain network's MACs (0.5: half of them)");
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
  app.add_option(
         "--promises", arguments->promises,
         "how many promises with a --delta may ever rest on the same samples, of any level, policy or precision; said "
         "when the first is made: they share --delta, so that all of them hold at once (default: 1). Of promises in "
         "expectation there is one, beside these")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 20));
  app.add_flag("--unseen", arguments->unseen,
               "your word that the network, trained elsewhere, has not learnt the calibration images; the promise says "
               "that it rests on it");
  app.add_flag("--anew", arguments->anew,
               "take back earlier promises that rest on the same samples; the new one says how many there were, and "
               "holds if nothing they showed led to it");
  app.add_option("--name", arguments->name,
                 "what to call this calibration, for --calibration (default: policy and rule)");
  CLI::Option* coverage = app.add_option(
      "--coverage", arguments->coverage,
      "answer at least this fraction, 0 to 1, and \"do not know\" to the least sure of those at the last exit");
  app.add_option(
         "--most-error", arguments->most_error,
         "answer as many as it takes to be wrong in at most this many percent of the answers, and \"do not know\" "
         "to the others")
      ->excludes(coverage);
  app.add_option("--front", arguments->front,
                 "write the accuracy-cost front of a grid of thresholds to this CSV file (entropy: BranchyNet's list)");
  app.add_option("--plain", arguments->plain,
                 "the same network trained without exits: what it answers the same samples with is printed, too");
  app.add_flag("--raw", arguments->raw, "do not fit softmax temperatures and ensemble weights first");
  app.add_flag("--keep-default", arguments->keep_default,
               "store the record without making it the model's default policy, which is one for all precisions");
  add_setting_options(app, &arguments->settings);
  app.add_flag("--surest-so-far", arguments->surest_so_far,
               "who is not let go before the last exit is answered by the surest exit so far, not by the last");
  app.add_flag("--missing-classes", arguments->missing_classes,
               "go on where the tune half has no sample of some class; otherwise that is an error");
  CLI::Option* table =
      app.add_option("--table", arguments->table,
                     "a table of the tune half's logits from `sooner eval --save-table`; nothing is computed");
  app.add_option("--guarantee-table", arguments->guarantee_table, "with --table and --risk: of the guarantee half")
      ->needs(table);
  table->excludes(by_time);
  add_engine_options(app, &arguments->engine);
  add_data_options(app, &arguments->data);
  exclude_engine_and_data(app, *table);
  add_output_options(app, &arguments->form);
  app.callback([arguments] { run(*arguments); });
}

}  // namespace sooner
