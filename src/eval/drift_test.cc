#include "eval/drift.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "eval/chi_square.h"
#include "eval/rank_power.h"
#include "support/message_of.h"
#include "tune/calibrate.h"
#include "tune/tables/random_table.h"

namespace sooner {
namespace {

// 100 samples: 60 leave at exit 0, whose bins are [0, 1), [1, 2), [2, 3), [3, 4]; 40 at the last exit.
CalibrationRecord record() {
  CalibrationRecord made;
  made.policy = {.name = "margin", .thresholds = Threshold::scores({1.5})};
  made.rule = parse_calibration_rule("budget 0.5");
  made.samples = 100;
  made.exit_shares = {0.6, 0.4};
  made.score_histograms = {{20, 40, 30, 10}, {20, 20}};
  made.histogram_low = {0, 0};
  made.histogram_high = {4, 2};
  return made;
}

void add(std::vector<LiveAnswer>& answers, int count, int32_t exit, double score) {
  for (int i = 0; i < count; ++i) answers.push_back({exit, score});
}

TEST(LeaverHistogram, IsWhatStandsAboveTheThreshold) {
  // 30 + 10 above the threshold's bin, so 20 of its 40 left.
  EXPECT_EQ(leaver_histogram(record(), 0), (std::vector<int64_t>{0, 20, 30, 10}));
  EXPECT_EQ(leaver_histogram(record(), 1), (std::vector<int64_t>{20, 20}));
  CalibrationRecord nobody = record();
  nobody.policy.thresholds = Threshold::scores({std::numeric_limits<double>::infinity()});
  nobody.exit_shares = {0, 1};
  EXPECT_EQ(leaver_histogram(nobody, 0), (std::vector<int64_t>{0, 0, 0, 0}));
  CalibrationRecord wrong = record();
  wrong.exit_shares = {0.9, 0.1};
  EXPECT_NE(
      message_of(Code::kFailedPrecondition, [&] { static_cast<void>(leaver_histogram(wrong, 0)); }).find("do not fit"),
      std::string::npos);
}

TEST(DetectDrift, GivesTheStatisticsOfOneLookWorkedByHand) {
  // Shares 60/40 against 40/60 of 100 each: four cells of expectation 50, (10^2 / 50) * 4 = 8.
  std::vector<LiveAnswer> answers;
  add(answers, 20, 0, 1.7);
  add(answers, 20, 0, 2.5);
  add(answers, 60, 1, 0.5);
  const DriftReport report = detect_drift(record(), answers);
  EXPECT_EQ(report.answers, 100);
  ASSERT_EQ(report.tests.size(), 3U);
  EXPECT_EQ(report.tests[0].what, "exit shares");
  EXPECT_NEAR(report.tests[0].statistic, 8, 1e-12);
  EXPECT_EQ(report.tests[0].degrees, 1);
  EXPECT_NEAR(report.tests[0].p_value, std::erfc(2), 1e-12);
  EXPECT_EQ(report.tests[0].calibrated, 100);
  EXPECT_EQ(report.tests[0].live, 100);
  // Exit 0: 20/60, 30/60, 10/60 against 20/40, 20/40, 0. The last bin expects 4 live ones and is joined to the second:
  // 20, 40 against 20, 20; expected 24, 36, 16, 24: 16 (1/24 + 1/36 + 1/16 + 1/24) = 2.7778.
  EXPECT_EQ(report.tests[1].what, "scores at exit 0");
  EXPECT_EQ(report.tests[1].degrees, 1);
  EXPECT_NEAR(report.tests[1].statistic, 25.0 / 9, 1e-12);
  // The last exit: 20, 20 against 60, 0; expected 32, 8, 48, 12: 144 (1/32 + 1/8 + 1/48 + 1/12) = 37.5.
  EXPECT_NEAR(report.tests[2].statistic, 37.5, 1e-12);
}

TEST(DetectDrift, TakesTheMeanOfAllBets) {
  std::vector<LiveAnswer> answers;
  for (int i = 0; i < 50; ++i) add(answers, 1, 1, 0.5 + i % 2);
  const DriftReport report = detect_drift(record(), answers, {.false_alarm = 0.01});
  ASSERT_EQ(report.tests.size(), 3U);
  EXPECT_NEAR(report.log_wanted, std::log(100), 1e-12);
  // Everybody goes on to the last exit, where scores are as they were, and nobody leaves at the first.
  EXPECT_TRUE(report.tests[0].alarm);
  EXPECT_FALSE(report.tests[1].alarm);
  EXPECT_FALSE(report.tests[2].alarm);
  EXPECT_EQ(report.tests[1].log_evidence, 0) << "no bet was made";
  // A third of the money is on exit shares; what the others have is between nothing and 2 each.
  EXPECT_GE(report.log_evidence, report.tests[0].log_evidence - std::log(3));
  EXPECT_LE(report.log_evidence, std::log((std::exp(report.tests[0].log_evidence) + 1 + 2) / 3));
  ASSERT_TRUE(report.drifted());
  EXPECT_GT(*report.alarm_at, 5);
  EXPECT_LT(*report.alarm_at, 50);
  EXPECT_EQ(detect_drift(record(), std::span(answers).first(static_cast<size_t>(*report.alarm_at))).alarm_at,
            report.alarm_at)
      << "an alarm stays where it was raised";
  EXPECT_FALSE(detect_drift(record(), std::span(answers).first(static_cast<size_t>(*report.alarm_at) - 1)).drifted());
}

TEST(DetectDrift, SaysWhatItWouldDetectAndWithHowManyAnswers) {
  CalibrationRecord made = record();
  made.samples = 1000;
  made.score_histograms = {{200, 400, 300, 100}, {200, 200}};
  std::vector<LiveAnswer> answers;
  for (int i = 0; i < 400; ++i) add(answers, 1, i % 2, i % 2 == 0 ? 2.5 : i % 4 == 3 ? 1.5 : 0.5);
  const DriftReport report = detect_drift(made, answers, {.power = 0.9, .shift = 0.3});
  ASSERT_EQ(report.tests.size(), 3U);
  EXPECT_GT(report.tests[0].detectable, 0.1);
  EXPECT_LT(report.tests[0].detectable, 0.25);
  ASSERT_TRUE(report.tests[0].needed);
  EXPECT_LT(*report.tests[0].needed, 400) << "0.3 is more than what 400 answers show";
  // Of 1000 answers 400 come to the last exit: it takes 2.5 times as many as its own bets do.
  const RankTest last{.sample = 400, .log_wanted = std::log(300), .power = 0.9};
  EXPECT_EQ(report.tests[2].needed,
            static_cast<int64_t>(std::ceil(2.5 * static_cast<double>(*values_to_find(last, 0.3)))));
  EXPECT_EQ(report.tests[2].detectable, found_shift(last, 200));
  EXPECT_EQ(detect_drift(made, answers, {.shift = 0.01}).tests[0].needed, std::nullopt);
}

TEST(DetectDrift, SeesAnExitThatTheCalibrationNeverTook) {
  CalibrationRecord made = record();
  made.samples = 1000;
  made.exit_shares = {1, 0};
  made.score_histograms = {{0, 0, 1000, 0}, {0, 0}};
  made.policy.thresholds = Threshold::scores({2});
  std::vector<LiveAnswer> answers;
  add(answers, 50, 0, 2.5);
  const DriftReport same = detect_drift(made, answers);
  ASSERT_EQ(same.tests.size(), 2U);
  EXPECT_EQ(same.tests[0].degrees, 0) << "one bin: nothing for chi-square";
  EXPECT_EQ(same.left_out, std::vector<std::string>{"scores at exit 1"});
  EXPECT_FALSE(same.drifted());
  for (int i = 0; i < 50; ++i) add(answers, 1, i % 2, 2.5);
  EXPECT_TRUE(detect_drift(made, answers).drifted());
}

std::vector<LiveAnswer> serve(const LogitTable& table, const PolicySpec& policy) {
  const Replay result = replay(table, *make_policy(policy, policy_context(table)));
  std::vector<LiveAnswer> answers;
  for (size_t n = 0; n < result.score.size(); ++n) {
    answers.push_back({result.exit_index[n], static_cast<double>(result.score[n])});
  }
  return answers;
}

// A year of weeks: 100 answers each, the alarm asked for after each.
constexpr int kLooks = 52;
constexpr int kPerLook = 100;

CalibrationRecord calibrated(uint64_t seed) {
  return calibrate(random_logit_table(seed, 500, 3, 4), {.name = "max-prob"},
                   {.kind = CalibrationRule::Kind::kAccuracyDrop, .value = 0.02}, {.fit_temperatures = false});
}

TEST(DriftWatch, RaisesFalseAlarmsNoMoreOftenThanPromisedOverFiftyTwoLooks) {
  constexpr int kDraws = 100;
  constexpr double kRate = 0.05;
  const double allowed = kDraws * kRate + 3 * std::sqrt(kDraws * kRate * (1 - kRate));  // of a binomial
  int alarms = 0;
  int at_some_look = 0;
  for (uint64_t draw = 0; draw < kDraws; ++draw) {
    const CalibrationRecord made = calibrated(3 * draw);
    DriftWatch watch(made, {.false_alarm = kRate});
    // What the test for one look says of exit shares alone: an alarm at one in twenty looks.
    std::vector<double> shares(3);
    double largest = 0;
    const auto answers = serve(random_logit_table(3 * draw + 1, kLooks * kPerLook, 3, 4), made.policy);
    for (size_t i = 0; i < answers.size(); ++i) {
      watch.add(answers[i]);
      ++shares[static_cast<size_t>(answers[i].exit_index)];
      const auto live = static_cast<double>(i + 1);
      if ((i + 1) % kPerLook != 0) continue;
      double statistic = 0;
      for (size_t k = 0; k < 3; ++k) {
        const double before = made.exit_shares[k] * 500;
        const double apart = before / 500 - shares[k] / live;
        if (before + shares[k] > 0) statistic += apart * apart * 500 * live / (before + shares[k]);
      }
      largest = std::max(largest, statistic);
    }
    if (watch.state().alarm_at) ++alarms;
    if (chi_square_survival(largest, 2) < kRate) ++at_some_look;
  }
  EXPECT_LE(alarms, allowed);
  EXPECT_GT(at_some_look, allowed) << "a test for one look would have done";
}

TEST(DriftWatch, FindsAShiftFromTheFirstWeekOnAndOneAfterHalfAYear) {
  constexpr int kDraws = 20;
  for (const size_t before : {size_t{0}, size_t{26} * kPerLook}) {
    int found = 0;
    for (uint64_t draw = 0; draw < kDraws; ++draw) {
      const CalibrationRecord made = calibrated(3 * draw);
      DriftWatch watch(made, {.false_alarm = 0.05});
      LogitTable live = random_logit_table(3 * draw + 1, int64_t{kLooks} * kPerLook, 3, 4);
      const std::vector<LiveAnswer> same = serve(live, made.policy);
      for (float& logit : live.logits) logit *= 0.7F;
      const std::vector<LiveAnswer> less_sure = serve(live, made.policy);
      for (size_t i = 0; i < same.size(); ++i) watch.add(i < before ? same[i] : less_sure[i]);
      const auto alarm = watch.state().alarm_at;
      if (alarm && *alarm > static_cast<int64_t>(before)) ++found;
    }
    EXPECT_GE(found, kDraws - 2) << before << " answers before";
  }
}

TEST(DriftWatch, GoesOnFromItsState) {
  const CalibrationRecord made = calibrated(1);
  const auto answers = serve(random_logit_table(2, 600, 3, 4), made.policy);
  DriftWatch whole(made);
  for (const LiveAnswer& answer : answers) whole.add(answer);
  DriftWatch first(made);
  for (size_t i = 0; i < 250; ++i) first.add(answers[i]);
  DriftWatch second(made, {}, first.state());
  for (size_t i = 250; i < answers.size(); ++i) second.add(answers[i]);
  EXPECT_EQ(second.state(), whole.state());
  EXPECT_EQ(second.report().answers, 600);
}

TEST(DriftWatch, RefusesAStateOfSomethingElse) {
  DriftWatch watch(record());
  watch.add({0, 2});
  const auto refusal = [](const CalibrationRecord& made, const DriftOptions& options, const DriftState& state) {
    return message_of(Code::kFailedPrecondition, [&] { DriftWatch(made, options, state); });
  };
  CalibrationRecord other = record();
  other.policy.thresholds = Threshold::scores({1.6});
  EXPECT_NE(refusal(other, {}, watch.state()).find("state is of the calibration"), std::string::npos);
  EXPECT_NE(refusal(record(), {.false_alarm = 0.05}, watch.state()).find("false-alarm rate 0.05, expected 0.01"),
            std::string::npos)
      << "agreed on beforehand";
  DriftState cut = watch.state();
  cut.comparisons.pop_back();
  EXPECT_NE(refusal(record(), {}, cut).find("does not fit"), std::string::npos);
  cut = watch.state();
  cut.answers = 7;
  EXPECT_NE(refusal(record(), {}, cut).find("does not fit"), std::string::npos) << "but one has been ranked";
  cut = watch.state();
  cut.comparisons[0].seen[0] = 9;
  EXPECT_NE(refusal(record(), {}, cut).find("does not fit"), std::string::npos);
}

TEST(DetectDrift, RefusesWhatItCannotCompare) {
  const auto refusal = [](Code code, const CalibrationRecord& made, const std::vector<LiveAnswer>& answers,
                          const DriftOptions& options) {
    return message_of(code, [&] { static_cast<void>(detect_drift(made, answers, options)); });
  };
  EXPECT_NE(refusal(Code::kInvalidArgument, record(), {{2, 1}}, {}).find("exit 2"), std::string::npos);
  EXPECT_NE(refusal(Code::kInvalidArgument, record(), {{0, std::nan("")}}, {}).find("score nan"), std::string::npos);
  EXPECT_NE(refusal(Code::kInvalidArgument, record(), {}, {.power = 1}).find("got power 1"), std::string::npos);
  EXPECT_NE(refusal(Code::kInvalidArgument, record(), {}, {.power = 0.01}).find("got power 0.01"), std::string::npos);
  EXPECT_NE(refusal(Code::kInvalidArgument, record(), {}, {.false_alarm = 0}).find("false-alarm rate 0"),
            std::string::npos);
  EXPECT_NE(refusal(Code::kInvalidArgument, record(), {}, {.shift = 1}).find("shift 1"), std::string::npos);
  EXPECT_NE(refusal(Code::kFailedPrecondition, record(), {}, {}).find("got 0 answers"), std::string::npos);
  CalibrationRecord bare = record();
  bare.score_histograms.clear();
  EXPECT_NE(refusal(Code::kFailedPrecondition, bare, {{0, 2}}, {}).find("holds no scores"), std::string::npos);
}

}  // namespace
}  // namespace sooner
