#include "tune/calibrate.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "policy/policy_kind.h"
#include "policy/threshold_units.h"
#include "tune/choosing/budget.h"
#include "tune/choosing/class_drop.h"
#include "tune/choosing/exit_savings.h"
#include "tune/choosing/shares.h"
#include "tune/fitting/fit_policy.h"
#include "tune/tables/score_table.h"

namespace sooner {
namespace {

// Between a rule and the goal of an abstention: "budget 0.5 and coverage 0.95".
constexpr std::string_view kAbstaining = " and ";

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
    case CalibrationRule::Kind::kUntouched:
      break;
  }
  return untouched(scores, kind);
}

std::string rule_text(const CalibrationRule& rule, const PolicyKind& kind, const PolicySpec& policy, int32_t classes) {
  if (rule.kind != CalibrationRule::Kind::kUntouched) return to_string(rule);
  if (policy.name == "always") return fmt::format("rule always {}", policy.always_exit);
  if (!kind.thresholds || !kind.default_threshold) return fmt::format("rule {}", policy.name);
  return "rule " + threshold_text(policy.name, *kind.default_threshold, classes);
}

// Some rules and goals are about classes, or about a number.
void check_fits(const LogitTable& table, const CalibrationRule& rule, const CalibrateOptions& options) {
  using Kind = CalibrationRule::Kind;
  const bool number = table.classes == 1;
  if (number && options.abstention) {
    fail(Code::kInvalidArgument,
         "[calibrate] a coverage or a share of wrong answers needs classes, and this model answers with a number");
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

}  // namespace

CalibrationRecord calibrate(const LogitTable& table, const PolicySpec& policy, const CalibrationRule& rule,
                            const CalibrateOptions& options) {
  const PolicyKind& kind = policy_kind(policy.name, table.classes);
  check_fits(table, rule, options);
  if (options.histogram_bins < 1) {
    fail(Code::kInvalidArgument, "[calibrate] got {} histogram bins, expected at least 1", options.histogram_bins);
  }
  validate(table);
  CalibrationRecord record;
  record.policy = without_choice(policy);
  record.rule = rule_text(rule, kind, record.policy, table.classes);
  if (options.abstention) record.rule += fmt::format("{}{}", kAbstaining, to_string(*options.abstention));
  record.samples = table.samples;
  record.exit_quality = quality_of_exits(table);
  record.last_exit_quality = record.exit_quality.back();
  if (!kind.thresholds) {
    if (rule.kind != CalibrationRule::Kind::kUntouched) {
      fail(Code::kInvalidArgument,
           "[calibrate] policy '{}' has no thresholds to choose by '{}'; use the rule 'untouched'", policy.name,
           to_string(rule));
    }
    expect(outcome_of(replay_bare(table, record.policy)), record);
    if (options.abstention) {
      record.policy.abstain_below = choose_abstention(table, record.policy, *options.abstention);
    }
    record.exit_savings = exit_savings(table, record.policy);
    return record;
  }
  if (options.fit_temperatures) record.policy = fit_policy(table, record.policy);
  const ScoreTable scores = score_table(table, record.policy);
  std::vector<int32_t> taken;
  if (rule.kind == CalibrationRule::Kind::kClassDrop) {
    record.policy.class_thresholds = choose_by_class_drop(scores, table.classes, rule.value);
    const Replay result = replay_bare(table, record.policy);
    taken = result.exit_index;
    expect(outcome_of(result), record);
  } else {
    const ThresholdChoice choice = choose(scores, kind, rule, options);
    record.policy.thresholds = choice.thresholds;
    record.optimality_gap = choice.optimality_gap;
    taken = exits_taken(scores, choice.thresholds);
    expect(choice.expected, record);
  }
  if (options.abstention) {
    record.policy.abstain_below = choose_abstention(table, record.policy, *options.abstention);
  }
  fill_histograms(scores, taken, options.histogram_bins, record);
  record.exit_savings = exit_savings(table, record.policy);
  return record;
}

CalibrationRecord record_of(const LogitTable& table, const PolicySpec& policy, const std::string& rule,
                            int32_t histogram_bins) {
  const ScoreTable scores = score_table(table, policy);
  CalibrationRecord record;
  record.policy = policy;
  record.rule = rule;
  record.samples = table.samples;
  record.exit_quality = quality_of_exits(table);
  record.last_exit_quality = record.exit_quality.back();
  expect(outcome(scores, policy.thresholds), record);
  fill_histograms(scores, exits_taken(scores, policy.thresholds), histogram_bins, record);
  record.exit_savings = exit_savings(table, policy);
  return record;
}

CalibrationRecord recalibrate(const LogitTable& table, const CalibrationRecord& old, const std::vector<double>& times) {
  const std::string_view text = old.rule;
  const size_t end = std::min(text.find(kAbstaining), text.size());
  // "rule gate 0.5", "rule always 1": the policy's own rule, nothing was chosen.
  CalibrationRule rule = text.starts_with(kOwnRule) ? CalibrationRule{} : parse_calibration_rule(text.substr(0, end));
  if (rule.kind == CalibrationRule::Kind::kLatency && !times.empty()) rule.times = times;
  CalibrateOptions options;
  options.fit_temperatures = !old.policy.temperatures.empty();
  if (end < text.size()) options.abstention = parse_abstention(text.substr(end + kAbstaining.size()));
  return calibrate(table, without_ensemble_fit(old.policy), rule, options);
}

}  // namespace sooner
