#include "tune/risk/risk_control.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/long_run.h"
#include "support/message_of.h"
#include "tune/tables/random_table.h"
#include "tune/tables/resample.h"

namespace sooner {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(ExitLosses, AreThoseWorkedByHand) {
  // Two classes, logits {gap, 0}: a gap above 0 answers 0. Three exits; the label is 0 but for the last sample.
  const LogitTable table =
      gap_table({{1, 1, 1}, {-1, 1, 1}, {1, -1, 1}, {1, 1, -1}, {-1, 1, 1}}, {0, 0, 0, 0, 1}, {0.2, 0.5, 1});
  const ExitLosses differs = {{0, 1, 0, 1, 1}, {0, 0, 1, 1, 0}, {0, 0, 0, 0, 0}};
  // Samples 3 and 4 are wrong at the last exit: nothing can be lost.
  const ExitLosses gap = {{0, 1, 0, 0, 0}, {0, 0, 1, 0, 0}, {0, 0, 0, 0, 0}};
  const ScoreTable scores = score_table(table, {.name = "margin"});
  EXPECT_EQ(exit_losses(scores, RiskLoss::kDiffers), differs);
  EXPECT_EQ(exit_losses(scores, RiskLoss::kAccuracyGap), gap);
}

TEST(ExitLosses, GoByWhatThePolicyAnswers) {
  // Votes of equal exits: the second exit's answer is still the first one's, where that was surer.
  const LogitTable table = gap_table({{-3, 1, 1}}, {0}, {0.2, 0.5, 1});
  const ExitLosses own = {{1}, {0}, {0}};
  const ExitLosses joined = {{1}, {1}, {0}};
  EXPECT_EQ(exit_losses(score_table(table, {.name = "margin"}), RiskLoss::kDiffers), own);
  EXPECT_EQ(exit_losses(score_table(table, {.name = "vote"}), RiskLoss::kDiffers), joined);
  EXPECT_EQ(exit_losses(score_table(table, {.name = "vote"}), RiskLoss::kAccuracyGap), joined);
}

// Four samples with scores 3, 2, 1, 0 at the early exit; leaving costs the second one 1.
const ThresholdFamily kFamily{.thresholds = {{kInfinity}, {3}, {2}, {1}}};
ScoredSamples four_samples() {
  ScoredSamples samples;
  samples.table = {.samples = 4, .exits = 2, .scores = {{3, 2, 1, 0}, {0, 0, 0, 0}}, .exit_cost = {0.25, 1}};
  samples.table.quality = {{1, 0, 1, 1}, {1, 1, 1, 1}};
  samples.losses = {{0, 1, 0, 0}, {0, 0, 0, 0}};
  return samples;
}

TEST(RiskInExpectation, StopsAtTheLastPointWithinTheLevel) {
  // n/(n+1) Rhat + 1/(n+1) with n = 4: 1/5, 1/5, 2/5, 2/5.
  const ScoredSamples samples = four_samples();
  const RiskChoice low = control_risk(kFamily, samples.table, samples.losses, {.level = 0.3});
  EXPECT_EQ(low.point, 1U);
  EXPECT_EQ(low.thresholds, std::vector<double>{3});
  EXPECT_EQ(low.samples, 4);
  EXPECT_EQ(low.risk, 0);
  EXPECT_NEAR(low.bound, 0.2, 1e-15);
  EXPECT_NEAR(low.outcome.cost, (0.25 + 3) / 4, 1e-15);
  EXPECT_NEAR(low.saved, 0.75 / 4, 1e-15);
  const RiskChoice high = control_risk(kFamily, samples.table, samples.losses, {.level = 0.4});
  EXPECT_EQ(high.point, 3U);
  EXPECT_EQ(high.risk, 0.25);
  EXPECT_NEAR(high.bound, 0.4, 1e-15);
}

TEST(RiskInExpectation, TakesTheLargestLossOnTheWay) {
  // The first of ten samples is answered rightly, wrongly, rightly by the three exits: its loss is 0, 1, 0 along the
  // family, and counts 1 from the second point on. 1/11 at first, then 2/11.
  ScoredSamples samples;
  samples.table = {.samples = 10, .exits = 3, .exit_cost = {0.2, 0.5, 1}};
  samples.table.scores.assign(3, std::vector<float>(10, 0));
  samples.table.quality.assign(3, std::vector<float>(10, 1));
  samples.losses.assign(3, std::vector<double>(10, 0));
  samples.losses[1][0] = 1;
  const ThresholdFamily family{.thresholds = {{kInfinity, kInfinity}, {kInfinity, 0}, {0, 0}}};
  EXPECT_EQ(control_risk(family, samples.table, samples.losses, {.level = 0.15}).point, 0U);
  const RiskChoice all = control_risk(family, samples.table, samples.losses, {.level = 0.19});
  EXPECT_EQ(all.point, 2U);
  EXPECT_EQ(all.risk, 0);
  EXPECT_NEAR(all.bound, 2.0 / 11, 1e-15);
}

TEST(RiskWithProbability, TestsInOrderAndStopsAtTheFirstFailure) {
  // P(Bin(4, 1/2) <= 0) = 1/16, <= 1: 5/16.
  const ScoredSamples samples = four_samples();
  const RiskChoice strict = control_risk(kFamily, samples.table, samples.losses, {.level = 0.5, .delta = 0.1});
  EXPECT_EQ(strict.point, 1U);
  EXPECT_NEAR(strict.bound, 1 - std::pow(0.1, 0.25), 1e-12);
  const RiskChoice loose = control_risk(kFamily, samples.table, samples.losses, {.level = 0.5, .delta = 0.32});
  EXPECT_EQ(loose.point, 3U);
  EXPECT_EQ(loose.risk, 0.25);
  // A family that would pass again later is left at its first failure.
  const ThresholdFamily back{.thresholds = {{kInfinity}, {2}, {3}}};
  EXPECT_EQ(control_risk(back, samples.table, samples.losses, {.level = 0.5, .delta = 0.1}).point, 0U);
}

TEST(RiskControl, KnowsTheLargestRiskThatPasses) {
  // (x + 1) / 101 <= 0.05: x = 4. Binomial and Hoeffding-Bentkus at 2 %, 10 %, n = 1,000: 13 and 11.
  EXPECT_EQ(largest_passing_risk({.level = 0.05}, 100), 0.04);
  EXPECT_EQ(largest_passing_risk({.level = 0.02, .delta = 0.1}, 1000), 0.013);
  EXPECT_EQ(largest_passing_risk({.level = 0.02, .delta = 0.1, .bound = RiskBound::kHoeffdingBentkus}, 1000), 0.011);
  EXPECT_EQ(largest_passing_risk({.level = 0.02}, 10), 0);
}

TEST(RiskControl, SaysHowManySamplesItNeeds) {
  EXPECT_EQ(risk_samples_needed(RiskTerms{.level = 0.02}), 49);
  EXPECT_EQ(risk_samples_needed(RiskTerms{.level = 0.02, .delta = 0.05}), 149);
  const ScoredSamples samples = four_samples();
  const auto refusal = [&](const RiskTerms& options) {
    return message_of(Code::kFailedPrecondition,
                      [&] { static_cast<void>(control_risk(kFamily, samples.table, samples.losses, options)); });
  };
  EXPECT_NE(refusal({.level = 0.02}).find("got 4 samples, expected at least 49"), std::string::npos);
  EXPECT_NE(refusal({.level = 0.02, .delta = 0.05}).find("got 4 samples, expected at least 149"), std::string::npos);
}

TEST(RiskControl, RefusesWhatDoesNotFit) {
  const ScoredSamples samples = four_samples();
  const auto refusal = [&](const ThresholdFamily& family, const ExitLosses& losses, const RiskTerms& options) {
    return message_of(Code::kInvalidArgument,
                      [&] { static_cast<void>(control_risk(family, samples.table, losses, options)); });
  };
  EXPECT_NE(refusal(kFamily, samples.losses, {.level = 1.0}).find("level 1"), std::string::npos);
  EXPECT_NE(refusal(kFamily, samples.losses, {.level = 0.5, .delta = 1.0}).find("delta 1"), std::string::npos);
  EXPECT_NE(refusal({.thresholds = {{1, 2}}}, samples.losses, {.level = 0.5})
                .find("of another model: of 3 exits, the samples have 2"),
            std::string::npos);
  EXPECT_NE(refusal(kFamily, {{0, 0.5, 0, 0}, {0, 0, 0, 0}}, {.level = 0.5, .delta = 0.2}).find("does not fit"),
            std::string::npos);
  EXPECT_NE(refusal(kFamily, {{0, 2, 0, 0}, {0, 0, 0, 0}}, {.level = 0.5}).find("loss 2"), std::string::npos);
  EXPECT_NE(message_of(Code::kInvalidArgument, [] { risk_loss_from_string("difers"); }).find("'differs'"),
            std::string::npos);
}

// The whole procedure on many draws from one population, each with its own `tune` and `guarantee`; one family a draw.
struct Simulation {
  int violations = 0;
  double mean_risk = 0;
  double mean_saved = 0;
};

std::vector<Simulation> simulate(const std::vector<RiskTerms>& promises, int draws) {
  constexpr int64_t kSamples = 400;
  const LogitTable table = random_logit_table(11, 20'000, 3, 5);
  const ScoreTable scores = score_table(table, {.name = "max-prob"});
  const ScoredSamples population{scores, exit_losses(scores, RiskLoss::kDiffers)};
  const double aim = largest_passing_risk(promises[0], kSamples);
  std::vector<Simulation> results(promises.size());
  for (int draw = 0; draw < draws; ++draw) {
    Rng rng({17, static_cast<uint64_t>(draw)});
    const ScoredSamples tune = resample(population, kSamples, rng);
    const ScoredSamples guarantee = resample(population, kSamples, rng);
    const ThresholdFamily family = threshold_family(tune.table, tune.losses, aim);
    for (size_t i = 0; i < promises.size(); ++i) {
      const RiskChoice choice = control_risk(family, guarantee.table, guarantee.losses, promises[i]);
      const double risk = mean_loss(population, choice.thresholds);
      if (risk > promises[i].level) ++results[i].violations;
      results[i].mean_risk += risk / draws;
      results[i].mean_saved += choice.saved / draws;
    }
  }
  return results;
}

TEST(RiskControl, KeepsItsPromisesOnAPopulation) {
  constexpr double kDelta = 0.1;
  const int draws = test::long_rounds(100);
  const std::vector<Simulation> results =
      simulate({{.level = 0.05, .delta = kDelta, .bound = RiskBound::kBinomial},
                {.level = 0.05, .delta = kDelta, .bound = RiskBound::kHoeffdingBentkus},
                {.level = 0.05, .delta = kDelta, .bound = RiskBound::kBetting},
                {.level = 0.05}},
               draws);
  for (size_t i = 0; i < 3; ++i) {
    // Three standard deviations of a binomial.
    EXPECT_LE(results[i].violations, draws * kDelta + 3 * std::sqrt(draws * kDelta * (1 - kDelta))) << i;
    EXPECT_GT(results[i].mean_saved, 0.1) << i;
  }
  // In expectation; with three standard errors, since a draw's risk deviates by sqrt(.05 * .95 / 400) = .011.
  EXPECT_LE(results[3].mean_risk, 0.05 + 3 * 0.011 / std::sqrt(draws));
  EXPECT_GT(results[3].mean_risk, 0.04);
  EXPECT_GT(results[3].mean_saved, results[0].mean_saved);
}

}  // namespace
}  // namespace sooner
