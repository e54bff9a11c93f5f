#include "tune/calibrate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/error.h"
#include "policy/policy_kind.h"
#include "tune/choosing/abstention.h"
#include "tune/choosing/budget.h"
#include "tune/choosing/class_drop.h"
#include "tune/choosing/exit_savings.h"
#include "tune/choosing/shares.h"
#include "tune/fitting/fit_policy.h"
#include "tune/risk/promises.h"
#include "tune/tables/score_table.h"

namespace sooner {
namespace {

ThresholdChoice untouched(const ScoreTable& scores, const PolicyKind& kind) {
  if (!kind.default_threshold && scores.exits > 1) {
    fail(Code::kInvalidArgument,
         "[calibrate] policy '{}' has no threshold of its own; choose by a drop, a budget or shares", kind.name);
  }
  ThresholdChoice choice;
  choice.thresholds.assign(static_cast<size_t>(scores.exits - 1), kind.default_threshold.value_or(0));
  choice.expected = outcome(scores, choice.thresholds);
  return choice;
}

// The cheapest by time; what is expected stays in MACs.
ThresholdChoice choose_by_latency(const ScoreTable& scores, const CalibrationRule& rule,
                                  const CalibrateOptions& options) {
  if (rule.times.size() != scores.scores.size()) {
    fail(Code::kInvalidArgument, "[calibrate] got the times of {} exits, expected {}", rule.times.size(),
         scores.scores.size());
  }
  double before = 0;
  for (const double time : rule.times) {
    if (!std::isfinite(time) || time <= 0 || time < before) {
      fail(Code::kInvalidArgument, "[calibrate] got time {} at an exit, expected a positive number not below {}", time,
           before);
    }
    before = time;
  }
  ScoreTable timed = scores;
  timed.exit_cost = rule.times;
  timed.head_cost.clear();  // the times say nothing of single heads
  ThresholdChoice choice = choose_by_accuracy_drop(timed, rule.value, options.accuracy_drop);
  choice.expected = outcome(scores, choice.thresholds);
  return choice;
}

ThresholdChoice choose(const ScoreTable& scores, const PolicyKind& kind, const CalibrationRule& rule,
                       const CalibrateOptions& options) {
  switch (rule.kind) {
    case CalibrationRule::Kind::kAccuracyDrop:
    case CalibrationRule::Kind::kErrorRise:
      return choose_by_accuracy_drop(scores, rule.value, options.accuracy_drop);
    case CalibrationRule::Kind::kLatency:
      return choose_by_latency(scores, rule, options);
    case CalibrationRule::Kind::kBudget:
      return choose_by_budget(scores, rule.value);
    case CalibrationRule::Kind::kShares:
      return choose_by_shares(scores, rule.shares);
    case CalibrationRule::Kind::kClassDrop:  // has no thresholds for all classes
    case CalibrationRule::Kind::kRisk:       // looks at other samples
    case CalibrationRule::Kind::kUntouched:
      break;
  }
  return untouched(scores, kind);
}

// Some rules and goals are about classes, or about a number.
void check_fits(const LogitTable& table, const CalibrationRule& rule) {
  using Kind = CalibrationRule::Kind;
  const bool number = table.classes == 1;
  if (number && rule.abstention) {
    fail(Code::kInvalidArgument,
         "[calibrate] a coverage or a share of wrong answers needs classes, and this model answers with a number");
  }
  if (number && rule.kind == Kind::kRisk) {
    fail(Code::kInvalidArgument,
         "[risk] a promise is about answers that are right or differ, and this model answers with a number; choose by "
         "error-rise or budget");
  }
  if (number ? rule.kind == Kind::kAccuracyDrop || rule.kind == Kind::kClassDrop : rule.kind == Kind::kErrorRise) {
    fail(Code::kInvalidArgument, "[calibrate] the rule '{}' does not fit a model that answers with a {}",
         to_string(rule), number ? "number; use error-rise" : "class; use accuracy-drop");
  }
  if ((rule.kind == Kind::kAccuracyDrop || (rule.kind == Kind::kLatency && !number)) && !(rule.value <= 1)) {
    fail(Code::kInvalidArgument, "[calibrate] got accuracy drop {}, expected 0 to 1", rule.value);
  }
}

// Scores of the samples that reached each exit, counted in equal-width bins between the least and the surest of them.
void fill_histograms(const ScoreTable& scores, std::span<const int32_t> taken, int32_t bins,
                     CalibrationRecord& record) {
  for (size_t k = 0; k < static_cast<size_t>(scores.exits); ++k) {
    double low = 0;
    double high = 0;
    bool any = false;
    for (size_t n = 0; n < taken.size(); ++n) {
      const auto score = static_cast<double>(scores.scores[k][n]);
      if (static_cast<size_t>(taken[n]) < k || !std::isfinite(score)) continue;
      low = any ? std::min(low, score) : score;
      high = any ? std::max(high, score) : score;
      any = true;
    }
    std::vector<int64_t> counts(static_cast<size_t>(bins), 0);
    for (size_t n = 0; n < taken.size(); ++n) {
      if (static_cast<size_t>(taken[n]) < k) continue;
      const double place = high > low ? (static_cast<double>(scores.scores[k][n]) - low) / (high - low) * bins : 0;
      ++counts[static_cast<size_t>(std::clamp(place, 0.0, bins - 1.0))];
    }
    record.score_histograms.push_back(std::move(counts));
    record.histogram_low.push_back(low);
    record.histogram_high.push_back(high);
  }
}

void expect(const Outcome& expected, CalibrationRecord& record) {
  record.quality = expected.quality;
  record.cost_fraction = expected.cost;
  record.exit_shares = expected.shares;
}

Outcome outcome_of(const Replay& replayed) {
  return {.quality = replayed.quality, .cost = replayed.cost, .shares = replayed.shares};
}

void check_same_model(const LogitTable& tune, const LogitTable& guarantee) {
  if (tune.exits == guarantee.exits && tune.classes == guarantee.classes && tune.exit_cost == guarantee.exit_cost) {
    return;
  }
  fail(Code::kInvalidArgument,
       "[risk] the guarantee table is of another model: {} exits, {} classes, {:.6g} of the plain MACs at the last "
       "exit, expected {}, {}, {:.6g} as in the tune table",
       guarantee.exits, guarantee.classes, guarantee.exit_cost.back(), tune.exits, tune.classes, tune.exit_cost.back());
}

void check_classes(const LogitTable& table, std::string_view split) {
  for (int32_t c = 0; c < table.classes; ++c) {
    if (std::ranges::find(table.labels, c) != table.labels.end()) continue;
    fail(Code::kInvalidArgument,
         "[risk] no sample of '{}' is of class {}, so nothing is known about it; keep more for calibration", split, c);
  }
}

// Can a promise rest on the guarantee samples?
void check_guarantee(const CalibrationSamples& samples, const RiskTerms& terms) {
  check_risk_terms(terms);
  const LogitTable* guarantee = samples.guarantee();
  if (guarantee == nullptr) {
    fail(Code::kInvalidArgument, "[risk] got no samples to rest a promise on, expected a guarantee table");
  }
  validate(*guarantee);
  check_same_model(samples.tune(), *guarantee);
  check_classes(samples.tune(), "tune");
  check_classes(*guarantee, "guarantee");
  check_risk_samples(terms, guarantee->samples);
}

// From a family made on `tune`, whose scores are given. `policy` has its temperatures.
RiskChoice choose_by_risk(const ScoreTable& tune, const LogitTable& guarantee, const PolicySpec& policy,
                          const RiskTerms& terms) {
  const ThresholdFamily family =
      threshold_family(tune, exit_losses(tune, terms.loss), largest_passing_risk(terms, guarantee.samples));
  const ScoreTable unseen = score_table(guarantee, policy);
  return control_risk(family, unseen, exit_losses(unseen, terms.loss), terms);
}

// Nothing is chosen but whom to answer.
void keep_own_rule(const LogitTable& table, const CalibrationRule& rule, CalibrationRecord& record) {
  if (rule.kind != CalibrationRule::Kind::kUntouched) {
    fail(Code::kInvalidArgument,
         "[calibrate] policy '{}' has no thresholds to choose by '{}'; use the rule 'untouched'", record.policy.name,
         to_string(rule));
  }
  expect(outcome_of(replay_bare(table, record.policy)), record);
}

// Chooses the thresholds of record.policy on `table`, whose scores are given; gives the exit each sample takes by them,
// [N].
std::vector<int32_t> choose_thresholds(const CalibrationSamples& samples, const LogitTable& table,
                                       const ScoreTable& scores, const PolicyKind& kind,
                                       const CalibrateOptions& options, CalibrationRecord& record) {
  const CalibrationRule& rule = record.rule;
  if (rule.kind == CalibrationRule::Kind::kClassDrop) {
    for (const std::vector<double>& row : choose_by_class_drop(scores, table.classes, rule.value)) {
      record.policy.class_thresholds.push_back(Threshold::scores(row));
    }
    Replay result = replay_bare(table, record.policy);
    expect(outcome_of(result), record);
    return std::move(result.exit_index);
  }
  ThresholdChoice choice;
  if (rule.kind == CalibrationRule::Kind::kRisk) {
    const RiskChoice shown = choose_by_risk(scores, *samples.guarantee(), record.policy, *rule.risk);
    choice = {.thresholds = shown.thresholds, .expected = outcome(scores, shown.thresholds)};
    record.guarantee = RiskGuarantee{
        .samples = shown.samples,
        .split_hash = samples.guarantee_hash(),
        .risk = shown.risk,
        .unseen = options.unseen,
        .withdrawn = std::max(options.withdrawn, withdrawn_before(samples.guarantee_hash(), options.beside))};
    record.policy.thresholds = Threshold::scores(shown.thresholds);
    record.guarantee->number = promise_number(record, options.beside);
    if (options.risk_choice != nullptr) *options.risk_choice = shown;
  } else {
    choice = choose(scores, kind, rule, options);
  }
  record.policy.thresholds = Threshold::scores(choice.thresholds);
  record.optimality_gap = choice.optimality_gap;
  expect(choice.expected, record);
  return exits_taken(scores, choice.thresholds);
}

}  // namespace

CalibrationSamples::CalibrationSamples(const StoredTable& tune, const StoredTable& guarantee)
    : tune_(tune.table),
      guarantee_(&guarantee.table),
      origin_(tune.origin),
      guarantee_hash_(guarantee.origin.split_hash) {
  const Origin &a = tune.origin, &b = guarantee.origin;
  if (a.precision != b.precision) {
    fail(Code::kFailedPrecondition, "[risk] the tables are of {} and {} logits, expected the same precision",
         a.precision, b.precision);
  }
  if (numeric_class(a) != numeric_class(b)) {
    fail(Code::kFailedPrecondition,
         "[risk] the tables are of logits in {} and in {}, expected one; record both on one machine",
         to_string(numeric_class(a)), to_string(numeric_class(b)));
  }
  if (a.weights_hash != b.weights_hash) {
    fail(Code::kFailedPrecondition, "[risk] the tables are of other weights, {} and {}, expected one model",
         a.weights_hash, b.weights_hash);
  }
  if (a.data_set != b.data_set) {
    fail(Code::kFailedPrecondition,
         "[risk] the tables are of '{}' and '{}', expected one data set, whose halves share no sample", a.data_set,
         b.data_set);
  }
  if (a.split_hash == b.split_hash && !a.split_hash.empty()) {
    fail(Code::kFailedPrecondition,
         "[risk] both tables are of the samples {}; a promise needs samples that no threshold has seen", a.split_hash);
  }
}

CalibrationRecord calibrate(const CalibrationSamples& samples, const PolicySpec& policy, const CalibrationRule& rule,
                            const CalibrateOptions& options) {
  const PolicyKind& kind = policy_kind(policy.name, samples.tune().classes);
  check_fits(samples.tune(), rule);
  if (options.histogram_bins < 1) {
    fail(Code::kInvalidArgument, "[calibrate] got {} histogram bins, expected at least 1", options.histogram_bins);
  }
  validate(samples.tune());
  if (rule.kind == CalibrationRule::Kind::kRisk) check_guarantee(samples, rule.risk.value_or(RiskTerms{}));
  FittedPolicy fitted{.policy = in_scores(without_choice(policy), samples.tune().classes)};
  if (kind.thresholds && options.fit_temperatures) fitted = fit_policy(samples.tune(), std::move(fitted.policy));
  const LogitTable& table = choosing_table(fitted, samples.tune());
  CalibrationRecord record;
  record.name = options.name;
  record.policy = std::move(fitted.policy);
  record.rule = rule;
  record.origin = samples.origin();
  record.samples = table.samples;
  record.exit_quality = quality_of_exits(table);
  record.last_exit_quality = record.exit_quality.back();
  if (kind.thresholds) {
    const ScoreTable scores = score_table(table, record.policy);
    const std::vector<int32_t> taken = choose_thresholds(samples, table, scores, kind, options, record);
    fill_histograms(scores, taken, options.histogram_bins, record);
  } else {
    keep_own_rule(table, rule, record);
  }
  if (rule.abstention) {
    record.policy.wrappers.abstain_below = Threshold::score(choose_abstention(table, record.policy, *rule.abstention));
  }
  record.exit_savings = exit_savings(table, record.policy);
  return record;
}

CalibrationRecord recalibrate(const CalibrationSamples& samples, const CalibrationRecord& old,
                              const std::vector<double>& times, std::span<const CalibrationRecord> beside) {
  CalibrationRule rule = old.rule;
  if (rule.kind == CalibrationRule::Kind::kLatency && !times.empty()) rule.times = times;
  CalibrateOptions options;
  options.name = old.name;
  options.fit_temperatures = !old.policy.temperatures.empty() || is_fitted(old.policy);
  options.beside = beside;
  if (old.guarantee) options.unseen = old.guarantee->unseen;
  return calibrate(samples, without_fit(old.policy), rule, options);
}

}  // namespace sooner
