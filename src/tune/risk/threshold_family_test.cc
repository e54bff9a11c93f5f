#include "tune/risk/threshold_family.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "support/message_of.h"
#include "tune/choosing/accuracy_drop.h"
#include "tune/risk/risk_control.h"
#include "tune/tables/random_table.h"
#include "tune/tables/resample.h"

namespace sooner {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

ScoredSamples random_samples(uint64_t seed, int64_t samples, int32_t exits) {
  const ScoreTable table = score_table(random_logit_table(seed, samples, exits, 5), {.name = "max-prob"});
  return {table, exit_losses(table, RiskLoss::kDiffers)};
}

TEST(ThresholdFamily, StartsWithNobodyLeavingAndNeverRises) {
  for (const int32_t exits : {2, 3, 5}) {
    const ScoredSamples samples = random_samples(4, 300, exits);
    const ThresholdFamily family = threshold_family(samples.table, samples.losses, 0.05);
    const auto early = static_cast<size_t>(exits) - 1;
    EXPECT_EQ(family.thresholds.front(), std::vector<double>(early, kInfinity));
    for (size_t i = 1; i < family.thresholds.size(); ++i) {
      EXPECT_NE(family.thresholds[i], family.thresholds[i - 1]);
      for (size_t k = 0; k < early; ++k) EXPECT_LE(family.thresholds[i][k], family.thresholds[i - 1][k]);
    }
    EXPECT_LT(outcome(samples.table, family.thresholds.back()).cost, samples.table.exit_cost.back());
    EXPECT_GT(mean_loss(samples, family.thresholds.back()), 0.05);
  }
}

TEST(ThresholdFamily, PassesThroughTheCheapestThresholdsAtItsAim) {
  // Scores 5 … 0 at the only early exit, losses of the third and the last: one loss in six may be had, so that five
  // leave. From there on to all of them.
  ScoreTable table{.samples = 6, .exits = 2, .exit_cost = {0.5, 1}};
  table.scores = {{5, 4, 3, 2, 1, 0}, {0, 0, 0, 0, 0, 0}};
  table.quality = {{1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1}};
  const ExitLosses losses = {{0, 0, 1, 0, 0, 1}, {0, 0, 0, 0, 0, 0}};
  const ThresholdFamily family = threshold_family(table, losses, 1.0 / 6);
  // No loss: two leave. Steps of one rank: 0, 1, 2, then 3, 4, 5 and 6 of six.
  const std::vector<std::vector<double>> expected = {{kInfinity}, {4.5}, {3.5}, {2.5}, {1.5}, {0.5}, {0}};
  EXPECT_EQ(family.thresholds, expected);
}

// It is walked from nobody on, so it should be good on the way, not at its aim alone.
TEST(ThresholdFamily, IsNearlyTheCheapestAtHalfAndTwiceItsAim) {
  const ScoredSamples samples = random_samples(4, 400, 4);
  ScoreTable harmless = samples.table;
  for (size_t k = 0; k < samples.losses.size(); ++k) {
    for (size_t n = 0; n < samples.losses[k].size(); ++n) harmless.quality[k][n] = samples.losses[k][n] == 0 ? 1 : 0;
  }
  const ThresholdFamily family = threshold_family(samples.table, samples.losses, 0.1);
  for (const double risk : {0.05, 0.2}) {
    const double cheapest = outcome(harmless, choose_by_accuracy_drop(harmless, risk, {}).thresholds).cost;
    double cost = kInfinity;
    for (const std::vector<double>& thresholds : family.thresholds) {
      if (mean_loss(samples, thresholds) <= risk) cost = std::min(cost, outcome(harmless, thresholds).cost);
    }
    EXPECT_LE(cost, 1.01 * cheapest) << risk;
  }
}

TEST(ThresholdFamily, OfASingleExitHasOnePoint) {
  const ScoredSamples samples = random_samples(4, 30, 1);
  EXPECT_EQ(threshold_family(samples.table, samples.losses, 0.1).thresholds, std::vector<std::vector<double>>{{}});
}

TEST(ThresholdFamily, RefusesAnEmptyTableAndAnImpossibleAim) {
  const ScoredSamples samples = random_samples(4, 30, 2);
  EXPECT_NE(message_of(Code::kInvalidArgument,
                       [&] { static_cast<void>(threshold_family(samples.table, samples.losses, 1.5)); })
                .find("aim 1.5"),
            std::string::npos);
  EXPECT_NE(
      message_of(Code::kInvalidArgument, [] { static_cast<void>(threshold_family({}, {}, 0.1)); }).find("no samples"),
      std::string::npos);
}

}  // namespace
}  // namespace sooner
