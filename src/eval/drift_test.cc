#include "eval/drift.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/message_of.h"
#include "tune/calibrate.h"
#include "tune/tables/random_table.h"

namespace sooner {
namespace {

// 100 samples: 60 leave at exit 0, whose bins are [0, 1), [1, 2), [2, 3), [3, 4]; 40 at the last exit.
CalibrationRecord record() {
  CalibrationRecord made;
  made.policy = {.name = "margin", .thresholds = {1.5}};
  made.rule = "budget 0.5";
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
  nobody.policy.thresholds = {std::numeric_limits<double>::infinity()};
  nobody.exit_shares = {0, 1};
  EXPECT_EQ(leaver_histogram(nobody, 0), (std::vector<int64_t>{0, 0, 0, 0}));
  CalibrationRecord wrong = record();
  wrong.exit_shares = {0.9, 0.1};
  EXPECT_NE(
      message_of(Code::kFailedPrecondition, [&] { static_cast<void>(leaver_histogram(wrong, 0)); }).find("do not fit"),
      std::string::npos);
}

TEST(DetectDrift, GivesTheStatisticsWorkedByHand) {
  // Shares 60/40 against 40/60 of 100 each: four cells of expectation 50, (10^2 / 50) * 4 = 8.
  std::vector<LiveAnswer> answers;
  add(answers, 20, 0, 1.7);
  add(answers, 20, 0, 2.5);
  add(answers, 60, 1, 0.5);
  const DriftReport report = detect_drift(record(), answers, {.false_alarm = 0.03});
  ASSERT_EQ(report.tests.size(), 3U);
  EXPECT_EQ(report.tests[0].what, "exit shares");
  EXPECT_NEAR(report.tests[0].statistic, 8, 1e-12);
  EXPECT_EQ(report.tests[0].degrees, 1);
  EXPECT_NEAR(report.tests[0].p_value, std::erfc(2), 1e-12);
  EXPECT_TRUE(report.tests[0].alarm);  // 0.0047 < 0.03 / 3
  // Exit 0: 20/60, 30/60, 10/60 against 20/40, 20/40, 0. The last bin expects 4 live ones and is joined to the second:
  // 20, 40 against 20, 20; expected 24, 36, 16, 24: 16 (1/24 + 1/36 + 1/16 + 1/24) = 2.7778.
  EXPECT_EQ(report.tests[1].what, "scores at exit 0");
  EXPECT_EQ(report.tests[1].degrees, 1);
  EXPECT_NEAR(report.tests[1].statistic, 25.0 / 9, 1e-12);
  EXPECT_FALSE(report.tests[1].alarm);
  // The last exit: 20, 20 against 60, 0; expected 32, 8, 48, 12: 144 (1/32 + 1/8 + 1/48 + 1/12) = 37.5.
  EXPECT_NEAR(report.tests[2].statistic, 37.5, 1e-12);
  EXPECT_TRUE(report.tests[2].alarm);
  EXPECT_TRUE(report.drifted());
}

TEST(DetectDrift, SaysWhatItWouldDetectAndWithHowManySamples) {
  std::vector<LiveAnswer> answers;
  add(answers, 60, 0, 2.5);
  add(answers, 40, 1, 0.5);
  // One test at 5 %: noncentrality 10.5074, 50 samples' worth; d = sqrt(10.5074 / 50) / 2.
  CalibrationRecord made = record();
  made.score_histograms = {{20, 20, 60, 0}, {40, 0}};
  made.policy.thresholds = {2};
  const DriftReport report = detect_drift(made, answers, {.false_alarm = 0.05, .power = 0.9, .shift = 0.25});
  ASSERT_EQ(report.tests.size(), 1U);
  EXPECT_EQ(report.alike, (std::vector<std::string>{"scores at exit 0", "scores at exit 1"})) << "one bin each";
  EXPECT_TRUE(report.left_out.empty());
  EXPECT_NEAR(report.tests[0].detectable, std::sqrt(10.5074 / 50) / 2, 1e-4);
  // 10.5074 / (4 / 16) = 42.03 effective; 42.03 * 100 / 57.97 = 72.5.
  EXPECT_EQ(report.tests[0].needed, 73);
  EXPECT_FALSE(report.drifted());
  EXPECT_EQ(detect_drift(made, answers, {.false_alarm = 0.05, .power = 0.9, .shift = 0.1}).tests[0].needed,
            std::nullopt);
}

TEST(DetectDrift, TakesOnePlaceForAllForNoDrift) {
  std::vector<LiveAnswer> answers;
  add(answers, 50, 0, 2.5);
  CalibrationRecord made = record();
  made.exit_shares = {1, 0};
  made.score_histograms = {{0, 0, 100, 0}, {0, 0}};
  made.policy.thresholds = {2};
  const DriftReport report = detect_drift(made, answers);
  EXPECT_TRUE(report.tests.empty());
  EXPECT_EQ(report.alike, (std::vector<std::string>{"exit shares", "scores at exit 0"}));
  EXPECT_FALSE(report.drifted());
  EXPECT_THROW(detect_drift(made, std::span(answers).first(3)), Error) << "three answers say nothing";
}

std::vector<LiveAnswer> serve(const LogitTable& table, const PolicySpec& policy) {
  const Replay result = replay(table, *make_policy(policy, policy_context(table)));
  std::vector<LiveAnswer> answers;
  for (size_t n = 0; n < result.score.size(); ++n) {
    answers.push_back({result.exit_index[n], static_cast<double>(result.score[n])});
  }
  return answers;
}

TEST(DetectDrift, RaisesFalseAlarmsNoMoreOftenThanPromised) {
  constexpr int kDraws = 200;
  constexpr double kRate = 0.05;
  int alarms = 0;
  int found = 0;
  for (uint64_t draw = 0; draw < kDraws; ++draw) {
    const CalibrationRecord made =
        calibrate(random_logit_table(3 * draw, 500, 3, 4), {.name = "max-prob"},
                  {.kind = CalibrationRule::Kind::kAccuracyDrop, .value = 0.02}, {.fit_temperatures = false});
    LogitTable live = random_logit_table(3 * draw + 1, 700, 3, 4);
    if (detect_drift(made, serve(live, made.policy), {.false_alarm = kRate}).drifted()) ++alarms;
    for (float& logit : live.logits) logit *= 0.7F;
    if (detect_drift(made, serve(live, made.policy), {.false_alarm = kRate}).drifted()) ++found;
  }
  // Three standard deviations of a binomial.
  EXPECT_LE(alarms, kDraws * kRate + 3 * std::sqrt(kDraws * kRate * (1 - kRate)));
  EXPECT_GT(found, kDraws * 9 / 10);
}

TEST(DetectDrift, RefusesWhatItCannotCompare) {
  const auto refusal = [](Code code, const CalibrationRecord& made, const std::vector<LiveAnswer>& answers,
                          const DriftOptions& options) {
    return message_of(code, [&] { static_cast<void>(detect_drift(made, answers, options)); });
  };
  EXPECT_NE(refusal(Code::kInvalidArgument, record(), {{2, 1}}, {}).find("exit 2"), std::string::npos);
  EXPECT_NE(refusal(Code::kInvalidArgument, record(), {{0, std::nan("")}}, {}).find("score nan"), std::string::npos);
  EXPECT_NE(refusal(Code::kInvalidArgument, record(), {}, {.false_alarm = 0}).find("false-alarm rate 0"),
            std::string::npos);
  EXPECT_NE(refusal(Code::kInvalidArgument, record(), {}, {.shift = 1}).find("shift 1"), std::string::npos);
  EXPECT_NE(refusal(Code::kFailedPrecondition, record(), {{0, 2}}, {}).find("too few"), std::string::npos);
  CalibrationRecord bare = record();
  bare.score_histograms.clear();
  EXPECT_NE(refusal(Code::kFailedPrecondition, bare, {{0, 2}}, {}).find("holds no scores"), std::string::npos);
}

}  // namespace
}  // namespace sooner
