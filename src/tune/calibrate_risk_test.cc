
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "support/message_of.h"
#include "tune/calibrate.h"
#include "tune/tables/random_table.h"

namespace sooner {
namespace {

CalibrationRule promise(const RiskTerms& terms) { return {.kind = CalibrationRule::Kind::kRisk, .risk = terms}; }
const CalibrationRule kRule = promise({.level = 0.05, .delta = 0.1});

struct Calibration {
  CalibrationRecord record;
  RiskChoice choice;
};

Calibration calibrated(const LogitTable& tune, const LogitTable& guarantee, const PolicySpec& policy,
                       const CalibrationRule& rule) {
  Calibration made;
  made.record = calibrate({tune, guarantee}, policy, rule, {.risk_choice = &made.choice});
  return made;
}

class CalibrateWithRisk : public ::testing::TestWithParam<const char*> {};

TEST_P(CalibrateWithRisk, RecordsItsThresholdsAndItsPromise) {
  const LogitTable tune = random_logit_table(1, 600, 3, 4);
  const LogitTable guarantee = random_logit_table(2, 500, 3, 4);
  const Calibration made = calibrated(tune, guarantee, {.name = GetParam()}, kRule);
  EXPECT_EQ(made.record.rule, kRule);
  EXPECT_EQ(made.record.samples, 600);
  EXPECT_EQ(scores_of(made.record.policy.thresholds), made.choice.thresholds);
  EXPECT_EQ(made.record.policy.temperatures.size(), 3U);
  ASSERT_TRUE(made.record.guarantee);
  EXPECT_EQ(made.record.guarantee->samples, 500);
  EXPECT_LE(made.choice.bound, 0.05);

  // The risk is what a replay of the guarantee table shows; so is the cost.
  const PolicyContext context = policy_context(guarantee);
  const Replay replayed = replay(guarantee, *make_policy(made.record.policy, context));
  const Replay last = replay(guarantee, *make_policy({.name = "never"}, context));
  int differ = 0;
  for (size_t n = 0; n < 500; ++n) differ += replayed.label[n] == last.label[n] ? 0 : 1;
  EXPECT_NEAR(made.record.guarantee->risk, differ / 500.0, 1e-12);
  EXPECT_NEAR(made.choice.outcome.cost, replayed.cost, 1e-12);
  EXPECT_NEAR(made.record.cost_fraction, replay(tune, *make_policy(made.record.policy, context)).cost, 1e-12);
  EXPECT_GT(made.choice.saved, 0);
}

INSTANTIATE_TEST_SUITE_P(Policies, CalibrateWithRisk, ::testing::Values("max-prob", "vote", "ensemble"));

TEST(RiskCalibration, GivesTheSameTwiceAndAgainFromItsRecord) {
  const LogitTable tune = random_logit_table(1, 400, 3, 4);
  const LogitTable guarantee = random_logit_table(2, 400, 3, 4);
  for (const CalibrationRule& rule : {kRule, promise({.level = 0.1, .loss = RiskLoss::kAccuracyGap}),
                                      promise({.level = 0.1, .delta = 0.2, .bound = RiskBound::kBetting})}) {
    const Calibration made = calibrated(tune, guarantee, {.name = "margin"}, rule);
    const CalibrationRecord again = recalibrate({tune, guarantee}, made.record);
    EXPECT_EQ(made.record.policy, again.policy);
    EXPECT_EQ(made.record.rule, again.rule);
    EXPECT_EQ(made.record.guarantee, again.guarantee);
  }
}

TEST(RiskCalibration, PromisesAboutThePolicyThatWasAskedFor) {
  const LogitTable tune = random_logit_table(1, 400, 3, 4);
  const LogitTable guarantee = random_logit_table(2, 400, 3, 4);
  PolicySpec asked{.name = "ensemble"};
  asked.settings.set("mean", "arithmetic");
  asked.thresholds = Threshold::scores({0.1, 0.2});
  const Calibration made = calibrated(tune, guarantee, asked, kRule);
  EXPECT_EQ(made.record.policy.settings, asked.settings);
  EXPECT_EQ(scores_of(made.record.policy.thresholds), made.choice.thresholds);
  EXPECT_EQ(recalibrate({tune, guarantee}, made.record).policy, made.record.policy);
  const Calibration geometric = calibrated(tune, guarantee, {.name = "ensemble"}, kRule);
  EXPECT_FALSE(chosen_alike(made.record, geometric.record));
  // Its weights are fitted anew.
  EXPECT_EQ(recalibrate({tune, guarantee}, geometric.record).policy, geometric.record.policy);
  asked.name = "margin";
  EXPECT_THAT(message_of(Code::kInvalidArgument, [&] { static_cast<void>(calibrated(tune, guarantee, asked, kRule)); }),
              testing::HasSubstr("'margin' got the setting 'mean'"));
}

TEST(RiskCalibration, RefusesTablesThatDoNotFit) {
  const LogitTable tune = random_logit_table(1, 300, 3, 4);
  const LogitTable guarantee = random_logit_table(2, 300, 3, 4);
  const auto refusal = [&](Code code, const LogitTable& other, const std::string& policy, const CalibrationRule& rule) {
    return message_of(code, [&] { static_cast<void>(calibrated(tune, other, {.name = policy}, rule)); });
  };
  LogitTable broken = guarantee;
  broken.logits[(7 * 3 + 1) * 4] = std::nanf("");
  EXPECT_NE(refusal(Code::kInvalidArgument, broken, "margin", kRule).find("logit nan at sample 7, exit 1"),
            std::string::npos);
  EXPECT_NE(refusal(Code::kInvalidArgument, random_logit_table(2, 300, 2, 4), "margin", kRule).find("another model"),
            std::string::npos);
  broken = guarantee;
  broken.exit_cost.back() += 0.1;
  EXPECT_NE(refusal(Code::kInvalidArgument, broken, "margin", kRule).find("another model"), std::string::npos);
  broken = guarantee;
  for (int32_t& label : broken.labels) label = label == 2 ? 0 : label;
  EXPECT_NE(refusal(Code::kInvalidArgument, broken, "margin", kRule).find("'guarantee' is of class 2"),
            std::string::npos);
  EXPECT_NE(refusal(Code::kInvalidArgument, {}, "margin", kRule).find("no samples"), std::string::npos);
  EXPECT_NE(refusal(Code::kInvalidArgument, guarantee, "never", kRule).find("no thresholds"), std::string::npos);
  EXPECT_NE(refusal(Code::kInvalidArgument, guarantee, "margin", promise({.level = 1.5})).find("level 1.5"),
            std::string::npos);
  EXPECT_NE(refusal(Code::kFailedPrecondition, guarantee, "margin", promise({.level = 0.001}))
                .find("got 300 samples, expected at least 999"),
            std::string::npos);
}

TEST(RiskCalibration, WithoutGuaranteeSamplesIsRefused) {
  const LogitTable tune = random_logit_table(1, 300, 3, 4);
  EXPECT_THAT(
      message_of(Code::kInvalidArgument, [&] { static_cast<void>(calibrate(tune, {.name = "margin"}, kRule)); }),
      testing::HasSubstr("got no samples to rest a promise on"));
}

StoredTable stored(uint64_t seed, const char* split_hash) {
  return {.table = random_logit_table(seed, 300, 3, 4),
          .origin = {.weights_hash = "aa",
                     .data_set = "glyphs",
                     .split = "tune",
                     .split_hash = split_hash,
                     .precision = "int8",
                     .backend = "onednn",
                     .instruction_set = "avx512_core_vnni"}};
}

TEST(RiskCalibration, WritesDownWhoseLogitsItLookedAt) {
  const StoredTable tune = stored(1, "01"), guarantee = stored(2, "02");
  const CalibrationRecord made =
      calibrate({tune, guarantee}, {.name = "margin"}, kRule, {.name = "gold", .unseen = Unseen::kUserWord});
  EXPECT_EQ(made.origin, tune.origin);
  EXPECT_EQ(made.name, "gold");
  EXPECT_EQ(made.guarantee->split_hash, "02");
  EXPECT_EQ(made.guarantee->unseen, Unseen::kUserWord);
  const CalibrationRecord again = recalibrate({tune, guarantee}, made);
  EXPECT_EQ(again.name, "gold");
  EXPECT_EQ(again.guarantee, made.guarantee);
}

TEST(RiskCalibration, RefusesTablesOfTwoOrigins) {
  const StoredTable tune = stored(1, "01");
  const auto refusal = [&](auto change) {
    StoredTable other = stored(2, "02");
    change(other.origin);
    return message_of(Code::kFailedPrecondition, [&] { static_cast<void>(CalibrationSamples(tune, other)); });
  };
  EXPECT_THAT(refusal([](Origin& o) { o.precision = "fp32"; }), testing::HasSubstr("of int8 and fp32 logits"));
  EXPECT_THAT(refusal([](Origin& o) { o.instruction_set = "avx2"; }), testing::HasSubstr("weights of 63 levels"));
  EXPECT_THAT(refusal([](Origin& o) { o.weights_hash = "ab"; }), testing::HasSubstr("of other weights, aa and ab"));
  EXPECT_THAT(refusal([](Origin& o) { o.data_set = "mnist"; }), testing::HasSubstr("of 'glyphs' and 'mnist'"));
  EXPECT_THAT(refusal([](Origin& o) { o.split_hash = "01"; }), testing::HasSubstr("both tables are of the samples 01"));
}

}  // namespace
}  // namespace sooner
