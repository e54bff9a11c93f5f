// The policy `learned`, from a table to thresholds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "policy/policy_kind.h"
#include "tune/calibrate.h"
#include "tune/fitting/fit_policy.h"
#include "tune/tables/random_table.h"
#include "tune/tables/score_table.h"
#include "tune/tables/stratified_halves.h"

namespace sooner {
namespace {

const CalibrationRule kBudget{.kind = CalibrationRule::Kind::kBudget, .value = 0.7};

TEST(LearnedFit, ChoosesThresholdsOnSamplesItWasNotFittedTo) {
  const LogitTable table = random_logit_table(50, 900, 3, 4);
  const CalibrationRecord record = calibrate(table, {.name = "learned"}, kBudget);
  const std::array<LogitTable, 2> halves = stratified_halves(table);
  EXPECT_EQ(record.samples, halves[1].samples);
  EXPECT_EQ(record.exit_quality, quality_of_exits(halves[1]));
  EXPECT_EQ(record.policy.settings, fit_policy(table, {.name = "learned"}).policy.settings);
  const Replay replayed = replay(halves[1], *make_policy(record.policy, policy_context(table)));
  EXPECT_EQ(replayed.quality, record.quality);
  EXPECT_NEAR(replayed.cost, record.cost_fraction, 1e-12);
  EXPECT_LE(record.cost_fraction, 0.7);
}

TEST(LearnedFit, IsHonestAboutBeingRight) {
  // On samples that it has not seen, of those it gives p about p are right.
  const LogitTable table = random_logit_table(51, 8000, 3, 4);
  const FittedPolicy fitted = fit_policy(table, {.name = "learned"});
  const ScoreTable scores = score_table(*fitted.others, fitted.policy);
  for (size_t k = 0; k < 3; ++k) {
    double promised = 0, right = 0;
    for (size_t n = 0; n < scores.scores[k].size(); ++n) {
      promised += 1 / (1 + std::exp(-static_cast<double>(scores.scores[k][n])));
      right += static_cast<double>(scores.quality[k][n]);
    }
    EXPECT_NEAR(promised / static_cast<double>(scores.samples), right / static_cast<double>(scores.samples), 0.03) << k;
  }
}

TEST(LearnedFit, TakesItsPenaltyAndIsTheSameEveryTime) {
  const LogitTable table = random_logit_table(52, 400, 3, 4);
  const auto weight = [&](double penalty) {
    const PolicySpec spec{.name = "learned", .settings = {{"penalty", penalty}}};
    return std::abs(fit_policy(table, spec).policy.settings.rows("weights")[0][1]);
  };
  EXPECT_EQ(weight(1e-3), weight(1e-3));
  EXPECT_LT(weight(10), weight(1e-3) / 3);
}

TEST(LearnedFit, GoesWithAPromiseAndIsChosenAgain) {
  const LogitTable tune = random_logit_table(53, 1200, 3, 4), guarantee = random_logit_table(54, 900, 3, 4);
  const CalibrationRule rule{.kind = CalibrationRule::Kind::kRisk, .risk = RiskTerms{.level = 0.2, .delta = 0.1}};
  const CalibrationRecord made = calibrate({tune, guarantee}, {.name = "learned"}, rule);
  EXPECT_EQ(made.guarantee->samples, 900);
  EXPECT_LE(made.guarantee->risk, 0.2);
  EXPECT_EQ(made.samples, stratified_halves(tune)[1].samples);
  EXPECT_EQ(recalibrate({tune, guarantee}, made).policy, made.policy);
  const CalibrationRecord record = calibrate(tune, {.name = "learned"}, kBudget);
  EXPECT_EQ(recalibrate(tune, record).policy, record.policy);
}

TEST(StratifiedHalves, HoldEveryClassAlike) {
  LogitTable table =
      gap_table({{1, 1}, {2, 1}, {3, 1}, {4, 1}, {5, 1}, {6, 1}, {7, 1}}, {0, 0, 1, 0, 0, 1, 1}, {0.5, 1});
  const auto [first, second] = stratified_halves(table);
  EXPECT_EQ(std::ranges::count(first.labels, 0), 2);
  EXPECT_EQ(std::ranges::count(first.labels, 1), 1);
  EXPECT_EQ(std::ranges::count(second.labels, 0), 2);
  EXPECT_EQ(std::ranges::count(second.labels, 1), 2);
  std::vector<float> gaps;
  for (const LogitTable* half : {&first, &second}) {
    for (int64_t n = 0; n < half->samples; ++n) gaps.push_back(half->at(n, 0)[0]);
  }
  EXPECT_THAT(gaps, ::testing::UnorderedElementsAre(1, 2, 3, 4, 5, 6, 7)) << "each sample once";
  EXPECT_THROW(stratified_halves(gap_table({{1, 1}, {2, 1}}, {0, 1}, {0.5, 1})), Error);
}

}  // namespace
}  // namespace sooner
