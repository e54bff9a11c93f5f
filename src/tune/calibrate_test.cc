#include "tune/calibrate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "core/error.h"
#include "tune/fitting/temperature.h"
#include "tune/tables/random_table.h"

namespace sooner {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const CalibrationRule kUntouched{};
CalibrationRule drop(double value) { return {.kind = CalibrationRule::Kind::kAccuracyDrop, .value = value}; }
CalibrationRule budget(double value) { return {.kind = CalibrationRule::Kind::kBudget, .value = value}; }

void expect_record_tells_the_truth(const CalibrationRecord& record, const LogitTable& table) {
  const Replay result = replay(table, *make_policy(record.policy, policy_context(table)));
  EXPECT_DOUBLE_EQ(record.quality, result.quality);
  EXPECT_DOUBLE_EQ(record.cost_fraction, result.cost);
  EXPECT_EQ(record.exit_shares, result.shares);
  EXPECT_EQ(record.samples, table.samples);
  EXPECT_EQ(record.exit_quality.size(), static_cast<size_t>(table.exits));
  EXPECT_DOUBLE_EQ(record.last_exit_quality, record.exit_quality.back());
}

TEST(Calibrate, KeepsItsPromiseOnTheTableForEveryPolicyAndRule) {
  const LogitTable table = random_logit_table(21, 400, 4, 5);
  for (const std::string name :
       {"entropy", "max-prob", "margin", "gate", "confidence", "patience", "vote", "ensemble"}) {
    for (const CalibrationRule& rule :
         {drop(0.01), budget(0.8),
          CalibrationRule{.kind = CalibrationRule::Kind::kShares, .shares = {0.4, 0.3, 0.2, 0.1}}}) {
      const CalibrationRecord record = calibrate(table, {.name = name}, rule);
      SCOPED_TRACE(name + " " + to_string(record.rule));
      EXPECT_EQ(record.rule, rule);
      EXPECT_EQ(record.policy.name, name);
      expect_record_tells_the_truth(record, table);
    }
    EXPECT_GE(calibrate(table, {.name = name}, drop(0.01)).quality,
              calibrate(table, {.name = name}, drop(0.01)).last_exit_quality - 0.01 - 1e-12);
    EXPECT_LE(calibrate(table, {.name = name}, budget(0.8)).cost_fraction, 0.8 + 1e-12);
  }
}

TEST(Calibrate, FitsTemperaturesForProbabilityPoliciesOnly) {
  const LogitTable table = random_logit_table(22, 200, 3, 5);
  EXPECT_EQ(calibrate(table, {.name = "max-prob"}, drop(0.02)).policy.temperatures, fit_temperatures(table));
  EXPECT_TRUE(calibrate(table, {.name = "gate"}, drop(0.02)).policy.temperatures.empty());
  EXPECT_TRUE(
      calibrate(table, {.name = "max-prob"}, drop(0.02), {.fit_temperatures = false}).policy.temperatures.empty());
}

TEST(Calibrate, KeepsWhatItDoesNotChoose) {
  const LogitTable table = random_logit_table(25, 200, 3, 5);
  PolicySpec ensemble{.name = "ensemble", .thresholds = Threshold::scores({7, 7}), .wrappers = {.cap = 1}};
  ensemble.settings.set("weights", NumberRows{{0}, {0.5, -0.5}});
  const CalibrationRecord record = calibrate(table, ensemble, budget(0.8));
  EXPECT_EQ(record.policy.settings, ensemble.settings);
  EXPECT_EQ(record.policy.wrappers.cap, 1);
  EXPECT_NE(record.policy.thresholds, ensemble.thresholds);
  const CalibrationRecord fitted = calibrate(table, {.name = "ensemble", .wrappers = {.cap = 1}}, budget(0.8));
  EXPECT_EQ(recalibrate(table, record).policy, fitted.policy) << "weights belong to the logits they were fitted to";
  PolicySpec any{.name = "any", .parts = {{.name = "gate"}, {.name = "patience"}}};
  const CalibrationRecord combined = calibrate(table, any, kUntouched);
  EXPECT_EQ(combined.policy, any);
  EXPECT_EQ(rule_text(combined, 5), "rule any");
  expect_record_tells_the_truth(combined, table);
  EXPECT_THROW(calibrate(table, any, budget(0.8)), Error);
}

TEST(Calibrate, ByLatencyChoosesWhatTimeSaysAndExpectsMacs) {
  // Exit 0 is right and sure about samples 0 and 1, exit 1 about the others; no answer may be lost. So two leave at .5
  // and two at .6 of the MACs, whatever the clock says.
  const LogitTable table = gap_table({{9, 1, 9}, {8, 1, 9}, {-1, 9, 9}, {-1, 8, 9}}, {0, 0, 0, 0}, {0.5, 0.6, 1});
  CalibrationRule rule{.kind = CalibrationRule::Kind::kLatency, .value = 0, .times = {0.9, 0.95, 1}};
  const CalibrateOptions raw{.fit_temperatures = false};
  const CalibrationRecord timed = calibrate(table, {.name = "max-prob"}, rule, raw);
  EXPECT_DOUBLE_EQ(timed.cost_fraction, 0.55) << "in MACs, of the same thresholds";
  EXPECT_EQ(to_string(timed.rule), "latency 0 0.9,0.95,1");
  EXPECT_EQ(recalibrate(table, timed).policy, timed.policy);
  expect_record_tells_the_truth(timed, table);
  rule.times = {0.9, 0.95};
  EXPECT_THROW(calibrate(table, {.name = "max-prob"}, rule, raw), Error);
  rule.times = {0.9, 0.8, 1};
  EXPECT_THROW(calibrate(table, {.name = "max-prob"}, rule, raw), Error);
}

TEST(Calibrate, ByLatencyTakesTheExitThatIsFasterThere) {
  // One answer may be lost. Leaving all at exit 0 loses it for sample 3, leaving all at exit 1 for sample 0, and doing
  // both would lose two. MACs make exit 0 the cheaper one; on this machine the exits are all but equally fast, and
  // keeping sample 3 for exit 1 saves as much as letting it go.
  const LogitTable table = gap_table({{3, -1, 1}, {2, 5, 1}, {1, 5, 1}, {-0.5F, 5, 1}}, {0, 0, 0, 0}, {0.2, 0.8, 1});
  const CalibrateOptions raw{.fit_temperatures = false};
  const CalibrationRecord by_macs = calibrate(table, {.name = "max-prob"}, drop(0.25), raw);
  EXPECT_DOUBLE_EQ(by_macs.cost_fraction, 0.2);
  const CalibrationRecord by_time = calibrate(
      table, {.name = "max-prob"}, {.kind = CalibrationRule::Kind::kLatency, .value = 0.25, .times = {1, 1, 4}}, raw);
  EXPECT_DOUBLE_EQ(by_time.quality, 1) << "of equally fast choices the more accurate one";
}

TEST(Calibrate, LeavesTheGateRuleUntouchedWhenAsked) {
  const LogitTable table = random_logit_table(23, 200, 3, 5);
  const CalibrationRecord record = calibrate(table, {.name = "gate"}, kUntouched);
  EXPECT_EQ(rule_text(record, 5), "rule g >= 0.5");
  EXPECT_THAT(scores_of(record.policy.thresholds), ElementsAre(0.5, 0.5));
  expect_record_tells_the_truth(record, table);
  EXPECT_EQ(rule_text(calibrate(table, {.name = "confidence"}, kUntouched), 5), "rule sum w >= 0.5");
}

TEST(Calibrate, RecordsPoliciesWithNothingToChoose) {
  LogitTable table = random_logit_table(24, 100, 3, 4);
  table.head_cost = {0.05, 0.05, 0.05};
  const CalibrationRecord always = calibrate(table, {.name = "always", .settings = {{"exit", 1}}}, kUntouched);
  EXPECT_EQ(rule_text(always, 4), "rule always 1");
  EXPECT_THAT(always.exit_shares, ElementsAre(0, 1, 0));
  EXPECT_DOUBLE_EQ(always.quality, always.exit_quality[1]);
  EXPECT_NEAR(always.cost_fraction, table.exit_cost[1] - 0.05, 1e-12);
  const CalibrationRecord never = calibrate(table, {.name = "never"}, kUntouched);
  EXPECT_EQ(rule_text(never, 4), "rule never");
  EXPECT_DOUBLE_EQ(never.quality, never.last_exit_quality);
}

TEST(Calibrate, CountsScoresOfTheSamplesThatReachEachExit) {
  const LogitTable table = random_logit_table(25, 300, 3, 4);
  const CalibrationRecord record = calibrate(table, {.name = "entropy"}, drop(0.03), {.histogram_bins = 8});
  ASSERT_EQ(record.score_histograms.size(), 3U);
  double reaching = 1;
  for (size_t k = 0; k < 3; ++k) {
    const auto& counts = record.score_histograms[k];
    EXPECT_EQ(counts.size(), 8U);
    EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), int64_t{0}), std::llround(reaching * 300));
    EXPECT_LE(record.histogram_low[k], record.histogram_high[k]);
    reaching -= record.exit_shares[k];
  }
}

TEST(Calibrate, HistogramsMatchCountsWorkedByHand) {
  // Log-odds 0, 1, 2, 4 at exit 0 in four bins of width 1: 4 itself falls into the last. All go on; at exit 1 all
  // equal.
  const LogitTable table = gap_table({{0, 3}, {1, 3}, {2, 3}, {4, 3}}, {1, 1, 1, 1}, {0.5, 1});
  const CalibrationRule nobody{.kind = CalibrationRule::Kind::kShares, .shares = {0, 1}};
  const CalibrationRecord record =
      calibrate(table, {.name = "max-prob"}, nobody, {.fit_temperatures = false, .histogram_bins = 4});
  EXPECT_THAT(record.score_histograms[0], ElementsAre(1, 1, 1, 1));
  EXPECT_THAT(record.score_histograms[1], ElementsAre(4, 0, 0, 0));
  EXPECT_DOUBLE_EQ(record.histogram_high[0], 4);
}

TEST(Calibrate, OfAModelWithOneExitRecordsIt) {
  const LogitTable table = random_logit_table(26, 50, 1, 4);
  for (const std::string name : {"entropy", "gate", "never"}) {
    const CalibrationRecord record = calibrate(table, {.name = name}, kUntouched);
    EXPECT_THAT(record.exit_shares, ElementsAre(1)) << name;
    EXPECT_DOUBLE_EQ(record.quality, record.last_exit_quality) << name;
  }
  EXPECT_TRUE(calibrate(table, {.name = "max-prob"}, drop(0.01)).policy.thresholds.empty());
}

TEST(Calibrate, SaysWhatDoesNotFit) {
  const LogitTable table = random_logit_table(27, 20, 3, 4);
  LogitTable no_gates = table;
  no_gates.gates.assign(no_gates.gates.size(), std::nanf(""));
  LogitTable diverged = table;
  diverged.logits[5] = std::nanf("");
  const auto message = [](const LogitTable& t, const std::string& name, const CalibrationRule& rule) -> std::string {
    try {
      calibrate(t, {.name = name}, rule);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(message(table, "max-prob", kUntouched), HasSubstr("no threshold of its own"));
  EXPECT_THAT(message(table, "never", drop(0.1)), HasSubstr("no thresholds to choose by 'accuracy-drop 0.1'"));
  EXPECT_THAT(message(table, "maxprob", drop(0.1)), HasSubstr("did you mean 'max-prob'"));
  EXPECT_THAT(message(no_gates, "gate", drop(0.1)), HasSubstr("this model has none"));
  EXPECT_THAT(message(diverged, "entropy", drop(0.1)), HasSubstr("logit nan at sample 0, exit 1"));
  EXPECT_THAT(message({}, "entropy", drop(0.1)), HasSubstr("no samples"));
  EXPECT_THAT(message(table, "entropy", {.kind = CalibrationRule::Kind::kShares, .shares = {0.5, 0.5}}),
              HasSubstr("got 2 exit shares, expected 3"));
}

TEST(Recalibrate, FollowsTheSameRuleOnAnotherTable) {
  const LogitTable old_table = random_logit_table(31, 300, 3, 5), table = random_logit_table(32, 300, 3, 5);
  for (const CalibrationRule& rule :
       {drop(0.01), budget(0.8), CalibrationRule{.kind = CalibrationRule::Kind::kShares, .shares = {0.5, 0.3, 0.2}}}) {
    for (const bool fit_temperatures : {true, false}) {
      const CalibrateOptions options{.fit_temperatures = fit_temperatures};
      const CalibrationRecord record = recalibrate(table, calibrate(old_table, {.name = "max-prob"}, rule, options));
      const CalibrationRecord wanted = calibrate(table, {.name = "max-prob"}, rule, options);
      EXPECT_EQ(record.policy, wanted.policy);
      EXPECT_EQ(record.rule, wanted.rule);
      EXPECT_EQ(record.quality, wanted.quality);
    }
  }
}

TEST(Recalibrate, ChoosesWhomToAnswerAnew) {
  const LogitTable old_table = random_logit_table(35, 400, 3, 5), table = random_logit_table(36, 400, 3, 5);
  for (const auto& [name, rule] :
       {std::pair{"max-prob", budget(0.8)}, std::pair{"gate", kUntouched}, std::pair{"never", kUntouched}}) {
    CalibrationRule covered = rule;
    covered.abstention = Abstention{AbstainGoal::kCoverage, 0.9};
    const CalibrationRecord old = calibrate(old_table, {.name = name}, covered);
    const CalibrationRecord wanted = calibrate(table, {.name = name}, covered);
    EXPECT_TRUE(rule_text(old, 5).ends_with(" and coverage 0.9")) << rule_text(old, 5);
    EXPECT_EQ(recalibrate(table, old).policy, wanted.policy) << name;
    EXPECT_EQ(recalibrate(table, old).rule, wanted.rule);
    EXPECT_FALSE(holds_everywhere(old)) << "whom to answer was chosen on logits";
  }
}

TEST(Calibrate, ByBudgetLetsPatienceLeaveWhereExitsAgree) {
  // At exit 0 nobody has anybody to agree with, so ranks there would send off all or none.
  const LogitTable table = random_logit_table(37, 300, 4, 3);
  const CalibrationRecord record = calibrate(table, {.name = "patience"}, budget(0.9));
  EXPECT_LT(record.exit_shares[0], 1);
  EXPECT_GE(record.quality, quality_of_exits(table)[0]);
}

TEST(Recalibrate, LeavesAPolicysOwnRuleUntouched) {
  const LogitTable old_table = random_logit_table(33, 200, 3, 5), table = random_logit_table(34, 200, 3, 5);
  EXPECT_EQ(recalibrate(table, calibrate(old_table, {.name = "gate"}, kUntouched)).policy.thresholds,
            calibrate(table, {.name = "gate"}, kUntouched).policy.thresholds);
  const CalibrationRecord always = calibrate(old_table, {.name = "always", .settings = {{"exit", 1}}}, kUntouched);
  EXPECT_EQ(recalibrate(table, always).policy.settings.whole("exit"), 1);
  EXPECT_EQ(recalibrate(table, always).rule, always.rule);
}

// As many samples, whose exits come ever closer to what is asked for.
LogitTable random_number_table(uint64_t seed, int64_t samples, int32_t exits) {
  LogitTable table{.samples = samples, .exits = exits, .classes = 1};
  Rng rng(seed);
  for (int32_t k = 0; k < exits; ++k) table.exit_cost.push_back(0.2 + 0.9 * (k + 1) / exits);
  for (int64_t n = 0; n < samples; ++n) {
    table.targets.push_back(static_cast<float>(30 * rng.normal()));
    const double hard = 1 + std::abs(rng.normal());
    for (int32_t k = 0; k < exits; ++k) {
      table.logits.push_back(table.targets.back() + static_cast<float>(8 * hard * rng.normal() / (k + 1)));
    }
  }
  table.gates.assign(static_cast<size_t>(samples) * static_cast<size_t>(exits - 1), std::nanf(""));
  return table;
}

TEST(CalibrateNumbers, KeepsItsPromiseOnTheTableByEveryRule) {
  const LogitTable table = random_number_table(3, 300, 4);
  const double last = quality_of_exits(table).back();
  for (const char* rule : {"error-rise 1.5", "budget 0.8", "shares 0,0.4,0.3,0.3", "latency 1.5 0.3,0.5,0.8,1.1"}) {
    const CalibrationRecord record = calibrate(table, {.name = "patience"}, parse_calibration_rule(rule));
    expect_record_tells_the_truth(record, table);
    EXPECT_EQ(to_string(record.rule), rule);
    EXPECT_EQ(record.policy.thresholds[0].as_score(), HUGE_VAL) << "the first exit has nothing to compare with";
    EXPECT_EQ(record.exit_shares[0], 0);
    EXPECT_GT(record.exit_shares[1] + record.exit_shares[2], 0.1) << rule;
    EXPECT_DOUBLE_EQ(record.last_exit_quality, last);
    EXPECT_EQ(recalibrate(table, record).policy, record.policy);
  }
  EXPECT_GE(calibrate(table, {.name = "patience"}, parse_calibration_rule("error-rise 0.5")).quality, last - 0.5);
  EXPECT_LE(calibrate(table, {.name = "patience"}, budget(0.8)).cost_fraction, 0.8);
}

TEST(CalibrateNumbers, RefusesWhatIsAboutClasses) {
  const LogitTable numbers = random_number_table(3, 40, 3), classes = random_logit_table(3, 40, 3, 4);
  const auto refusal = [](const LogitTable& table, const char* policy, const char* rule) -> std::string {
    try {
      calibrate(table, {.name = policy}, parse_calibration_rule(rule));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::kInvalidArgument);
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(refusal(numbers, "patience", "accuracy-drop 0.1"), HasSubstr("use error-rise"));
  EXPECT_THAT(refusal(numbers, "patience", "class-drop 0.1"), HasSubstr("use error-rise"));
  EXPECT_THAT(refusal(numbers, "patience", "untouched"), HasSubstr("no threshold of its own"));
  EXPECT_THAT(refusal(numbers, "max-prob", "error-rise 1"), HasSubstr("'max-prob' needs classes"));
  EXPECT_THAT(refusal(classes, "patience", "error-rise 1"), HasSubstr("use accuracy-drop"));
  EXPECT_THAT(refusal(classes, "patience", "accuracy-drop 1.5"), HasSubstr("expected 0 to 1"));
  EXPECT_THAT(refusal(numbers, "patience", "risk 0.1 loss differs"), HasSubstr("answers with a number"));
}

TEST(CalibrateNumbers, NeedTwoEarlyExitsToSaveAnything) {
  const LogitTable table = random_number_table(3, 40, 2);
  for (const char* rule : {"error-rise 100", "budget 2", "shares 0.5,0.5"}) {
    const CalibrationRecord record = calibrate(table, {.name = "patience"}, parse_calibration_rule(rule));
    EXPECT_EQ(scores_of(record.policy.thresholds), std::vector{HUGE_VAL}) << rule;
    EXPECT_DOUBLE_EQ(record.cost_fraction, table.exit_cost.back());
  }
}

TEST(CalibrateNumbers, SurviveErrorsNoFloatHolds) {
  LogitTable table = random_number_table(3, 40, 3);
  table.logits[1] = 3e38F;
  table.targets[0] = -3e38F;
  expect_record_tells_the_truth(calibrate(table, {.name = "patience"}, parse_calibration_rule("error-rise 1")), table);
}

}  // namespace
}  // namespace sooner
