#include "tune/risk/calibrate_risk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "support/message_of.h"
#include "tune/tables/random_table.h"

namespace sooner {
namespace {

const RiskRule kRule{.options = {.level = 0.05, .delta = 0.1}, .loss = RiskLoss::kDiffers};

class CalibrateWithRisk : public ::testing::TestWithParam<const char*> {};

TEST_P(CalibrateWithRisk, RecordsItsThresholdsAndItsPromise) {
  const LogitTable tune = random_logit_table(1, 600, 3, 4);
  const LogitTable guarantee = random_logit_table(2, 500, 3, 4);
  const RiskCalibration made = calibrate_with_risk(tune, guarantee, {.name = GetParam()}, kRule);
  EXPECT_EQ(made.record.rule, "risk 0.05 delta 0.1 loss differs bound binomial");
  EXPECT_EQ(made.record.samples, 600);
  EXPECT_EQ(made.record.policy.thresholds, made.choice.thresholds);
  EXPECT_EQ(made.record.policy.temperatures.size(), 3U);
  ASSERT_TRUE(made.record.guarantee);
  EXPECT_EQ(made.record.guarantee->samples, 500);
  EXPECT_EQ(made.record.guarantee->delta, 0.1);
  EXPECT_EQ(made.record.guarantee->bound, "binomial");
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
  for (const RiskRule& rule : {kRule, RiskRule{.options = {.level = 0.1}, .loss = RiskLoss::kAccuracyGap},
                               RiskRule{.options = {.level = 0.1, .delta = 0.2, .bound = RiskBound::kBetting}}}) {
    const RiskCalibration made = calibrate_with_risk(tune, guarantee, {.name = "margin"}, rule);
    const RiskCalibration again = recalibrate_with_risk(tune, guarantee, made.record);
    EXPECT_EQ(made.record.policy, again.record.policy);
    EXPECT_EQ(made.record.rule, again.record.rule);
    EXPECT_EQ(made.record.guarantee, again.record.guarantee);
  }
  EXPECT_EQ(
      calibrate_with_risk(tune, guarantee, {.name = "margin"}, {.options = {.level = 0.1}}).record.guarantee->bound,
      "conformal");
}

TEST(RiskCalibration, PromisesAboutThePolicyThatWasAskedFor) {
  const LogitTable tune = random_logit_table(1, 400, 3, 4);
  const LogitTable guarantee = random_logit_table(2, 400, 3, 4);
  PolicySpec asked{.name = "ensemble"};
  asked.ensemble.mean = "arithmetic";
  asked.thresholds = {0.1, 0.2};
  const RiskCalibration made = calibrate_with_risk(tune, guarantee, asked, kRule);
  EXPECT_EQ(made.record.policy.ensemble, asked.ensemble);
  EXPECT_EQ(made.record.policy.thresholds, made.choice.thresholds);
  EXPECT_EQ(recalibrate_with_risk(tune, guarantee, made.record).record.policy, made.record.policy);
  const RiskCalibration geometric = calibrate_with_risk(tune, guarantee, {.name = "ensemble"}, kRule);
  EXPECT_FALSE(chosen_alike(made.record, geometric.record));
  // Its weights are fitted anew.
  EXPECT_EQ(recalibrate_with_risk(tune, guarantee, geometric.record).record.policy, geometric.record.policy);
  asked.name = "margin";
  EXPECT_THAT(message_of(Code::kInvalidArgument,
                         [&] { static_cast<void>(calibrate_with_risk(tune, guarantee, asked, kRule)); }),
              testing::HasSubstr("got a way to join exits"));
}

TEST(RiskCalibration, WritesItsRule) {
  EXPECT_EQ(to_string(RiskRule{.options = {.level = 0.02}, .loss = RiskLoss::kAccuracyGap}),
            "risk 0.02 loss accuracy-gap");
}

TEST(RiskCalibration, RefusesTablesThatDoNotFit) {
  const LogitTable tune = random_logit_table(1, 300, 3, 4);
  const LogitTable guarantee = random_logit_table(2, 300, 3, 4);
  const auto refusal = [&](Code code, const LogitTable& other, const std::string& policy, const RiskRule& rule) {
    return message_of(code, [&] { static_cast<void>(calibrate_with_risk(tune, other, {.name = policy}, rule)); });
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
  EXPECT_NE(refusal(Code::kInvalidArgument, guarantee, "margin", {.options = {.level = 1.5}}).find("level 1.5"),
            std::string::npos);
  EXPECT_NE(refusal(Code::kFailedPrecondition, guarantee, "margin", {.options = {.level = 0.001}})
                .find("got 300 samples, expected at least 999"),
            std::string::npos);
}

}  // namespace
}  // namespace sooner
