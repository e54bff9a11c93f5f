#include "tune/risk/risk_bounds.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "core/rng.h"
#include "support/long_run.h"
#include "support/message_of.h"

namespace sooner {
namespace {

// `ones` losses of 1 spread among `n`.
std::vector<double> losses_of(int64_t ones, int64_t n) {
  std::vector<double> losses(static_cast<size_t>(n), 0.0);
  for (int64_t i = 0; i < ones; ++i) losses[static_cast<size_t>(i * n / ones)] = 1;
  return losses;
}

TEST(BinomialCdf, AddsUpTheTermsWorkedByHand) {
  EXPECT_NEAR(binomial_cdf(0, 3, 0.5), 1.0 / 8, 1e-15);
  EXPECT_NEAR(binomial_cdf(1, 3, 0.5), 4.0 / 8, 1e-15);
  EXPECT_NEAR(binomial_cdf(2, 3, 0.5), 7.0 / 8, 1e-15);
  EXPECT_NEAR(binomial_cdf(1, 2, 0.1), 1 - 0.01, 1e-15);
  EXPECT_EQ(binomial_cdf(3, 3, 0.5), 1);
  EXPECT_EQ(binomial_cdf(-1, 3, 0.5), 0);
}

TEST(BinomialCdf, AgreesWithAReference) {  // scipy.stats.binom.cdf, and sums of fractions
  EXPECT_NEAR(binomial_cdf(13, 1000, 0.02), 0.06422611489957845, 1e-13);
  EXPECT_NEAR(binomial_cdf(14, 1000, 0.02), 0.10252819586730894, 1e-13);
  EXPECT_NEAR(binomial_cdf(20, 1000, 0.02), 0.5590956057638878, 1e-12);
  EXPECT_NEAR(binomial_cdf(25, 1000, 0.02), 0.8900668898257145, 1e-12);
  EXPECT_NEAR(1 - binomial_cdf(45, 1000, 0.02), 3.2203706246125563e-07, 1e-15);
}

TEST(BinomialBound, IsTheClopperPearsonLimit) {
  // No loss in 10: (1 - p)^10 = 0.05. One in 2: 1 - p^2 = 0.25.
  EXPECT_NEAR(risk_upper_bound(RiskBound::kBinomial, losses_of(0, 10), 0.05), 1 - std::pow(0.05, 0.1), 1e-12);
  EXPECT_NEAR(risk_upper_bound(RiskBound::kBinomial, losses_of(1, 2), 0.25), std::sqrt(0.75), 1e-12);
  // scipy.stats.beta.ppf(1 - delta, x + 1, n - x)
  EXPECT_NEAR(risk_upper_bound(RiskBound::kBinomial, losses_of(3, 20), 0.05), 0.3436638043142818, 1e-11);
  EXPECT_NEAR(risk_upper_bound(RiskBound::kBinomial, losses_of(13, 1000), 0.1), 0.018901434399910166, 1e-11);
  EXPECT_NEAR(risk_upper_bound(RiskBound::kBinomial, losses_of(50, 5000), 0.05), 0.012640571638739075, 1e-11);
  EXPECT_EQ(risk_upper_bound(RiskBound::kBinomial, losses_of(4, 4), 0.05), 1);
}

TEST(HoeffdingBentkusBound, TakesTheTighterOfItsTwo) {
  // No loss in 10: Hoeffding's (1 - p)^10 is the smaller by a factor e.
  EXPECT_NEAR(risk_upper_bound(RiskBound::kHoeffdingBentkus, losses_of(0, 10), 0.05), 1 - std::pow(0.05, 0.1), 1e-12);
  // Half and half of 2 against 3/4: exp(-2 (1/2 ln(2/3) + 1/2 ln 2)) = 3/4; e P(Bin(2, 3/4) <= 1) = 7e/16 > 1.
  EXPECT_NEAR(risk_p_value(RiskBound::kHoeffdingBentkus, losses_of(1, 2), 0.75, 0.1), 0.75, 1e-12);
  // 11 of 1,000 against 2 %: Bentkus' part, e P(Bin <= 11) = e 0.0204411.
  EXPECT_NEAR(risk_p_value(RiskBound::kHoeffdingBentkus, losses_of(11, 1000), 0.02, 0.1), 0.05556460163823567, 1e-12);
  // The same formulas in another program.
  EXPECT_NEAR(risk_upper_bound(RiskBound::kHoeffdingBentkus, losses_of(3, 20), 0.05), 0.3934702718611939, 1e-11);
  EXPECT_NEAR(risk_upper_bound(RiskBound::kHoeffdingBentkus, losses_of(25, 100), 0.1), 0.33827510775094044, 1e-11);
}

TEST(BettingBound, IsTheCapitalWorkedByHand) {
  // One loss of 0, delta = 1/2: the bet is 1, the capital 1 + R; it doubles at R = 1.
  EXPECT_NEAR(risk_upper_bound(RiskBound::kBetting, losses_of(0, 1), 0.5), 1, 1e-12);
  // Two: bets min(1, sqrt(2 ln 2 / (2/4))) = 1 and, of variance (1/4 + 1/16)/2, 1; (1 + R)^2 = 2.
  EXPECT_NEAR(risk_upper_bound(RiskBound::kBetting, losses_of(0, 2), 0.5), std::sqrt(2.0) - 1, 1e-12);
  // The same formulas in another program.
  EXPECT_NEAR(risk_upper_bound(RiskBound::kBetting, losses_of(0, 10), 0.05), 0.34928284767356327, 1e-11);
}

// delta such that -2 ln delta = 3/16, three losses of 1/4 against 3/4: bets^2 are 3/16 / (3 variance) with variances
// 1/4, (1/4 + 1/64) / 2 = 17/128 and (1/4 + 1/64 + 1/144) / 3 = 157/1728, where the means are 3/8 and 1/3.
TEST(BettingBound, BetsLessTheMoreTheLossesVary) {
  const double delta = std::exp(-3.0 / 32);
  const double capital = (1 + 0.5 / 2) * (1 + std::sqrt(8.0 / 17) / 2) * (1 + std::sqrt(108.0 / 157) / 2);
  const std::vector<double> losses(3, 0.25);
  EXPECT_NEAR(risk_p_value(RiskBound::kBetting, losses, 0.75, delta), 1 / capital, 1e-12);
  // One loss of 0 against 1/2: the bet is sqrt(1/16 / (1/4)) = 1/2.
  EXPECT_NEAR(risk_p_value(RiskBound::kBetting, {{0}}, 0.5, std::exp(-1.0 / 32)), 1 / 1.25, 1e-12);
  // A loss of 1 halves the capital, which was largest before any bet.
  EXPECT_EQ(risk_p_value(RiskBound::kBetting, {{1}}, 0.5, std::exp(-1.0 / 32)), 1);
}

TEST(BettingBound, DependsOnTheSeedAlone) {
  const std::vector<double> losses = losses_of(20, 200);
  const double first = risk_upper_bound(RiskBound::kBetting, losses, 0.1, 1);
  EXPECT_EQ(first, risk_upper_bound(RiskBound::kBetting, losses, 0.1, 1));
  EXPECT_NE(first, risk_upper_bound(RiskBound::kBetting, losses, 0.1, 2));
}

TEST(RiskBounds, CertifyAboutTheKnownRisksAtAThousandSamples) {
  // Level 2 %, delta 10 %: 1.3 % and 1.1 %.
  const auto certified = [](RiskBound bound, int64_t ones) {
    return risk_p_value(bound, losses_of(ones, 1000), 0.02, 0.1) <= 0.1;
  };
  EXPECT_TRUE(certified(RiskBound::kBinomial, 13));
  EXPECT_FALSE(certified(RiskBound::kBinomial, 14));
  EXPECT_TRUE(certified(RiskBound::kHoeffdingBentkus, 11));
  EXPECT_FALSE(certified(RiskBound::kHoeffdingBentkus, 12));
}

TEST(RiskBounds, CoverTheMeanAsOftenAsPromised) {
  const int draws = test::long_rounds(2000);
  constexpr double kDelta = 0.1;
  constexpr double kMean = 0.05;
  for (const RiskBound bound : {RiskBound::kBinomial, RiskBound::kHoeffdingBentkus, RiskBound::kBetting}) {
    int missed = 0;
    for (uint64_t draw = 0; draw < static_cast<uint64_t>(draws); ++draw) {
      Rng rng({3, draw});
      std::vector<double> losses;
      for (int n = 0; n < 200; ++n) losses.push_back(rng.chance(kMean) ? 1 : 0);
      // The bound is below the mean iff the mean is refuted.
      if (risk_p_value(bound, losses, kMean, kDelta, draw) <= kDelta) ++missed;
    }
    // Three standard deviations of a binomial.
    EXPECT_LE(missed, draws * kDelta + 3 * std::sqrt(draws * kDelta * (1 - kDelta))) << to_string(bound);
  }
}

TEST(RiskBounds, SayHowManySamplesALevelNeeds) {
  // 0.98^149 = 0.0493, 0.98^148 = 0.0503.
  EXPECT_EQ(risk_samples_needed(RiskBound::kBinomial, 0.02, 0.05), 149);
  EXPECT_EQ(risk_samples_needed(RiskBound::kHoeffdingBentkus, 0.02, 0.05), 149);
  EXPECT_EQ(risk_samples_needed(RiskBound::kBinomial, 0.5, 0.125), 3);
  const int64_t betting = risk_samples_needed(RiskBound::kBetting, 0.02, 0.05);
  EXPECT_GT(betting, 149);
  EXPECT_LE(risk_p_value(RiskBound::kBetting, losses_of(0, betting), 0.02, 0.05), 0.05);
  EXPECT_GT(risk_p_value(RiskBound::kBetting, losses_of(0, betting - 1), 0.02, 0.05), 0.05);
}

TEST(RiskBounds, RefuseWhatDoesNotFit) {
  const auto message = [](RiskBound bound, const std::vector<double>& losses, double level, double delta) {
    return message_of(Code::kInvalidArgument, [&] { static_cast<void>(risk_p_value(bound, losses, level, delta)); });
  };
  EXPECT_NE(message(RiskBound::kBinomial, {0, 0.5}, 0.1, 0.1).find("'binomial' does not fit loss 0.5 at sample 1"),
            std::string::npos);
  EXPECT_NE(message(RiskBound::kBetting, {0, 1.5}, 0.1, 0.1).find("loss 1.5"), std::string::npos);
  EXPECT_NE(message(RiskBound::kBetting, {std::nan("")}, 0.1, 0.1).find("loss nan"), std::string::npos);
  EXPECT_NE(message(RiskBound::kBetting, {}, 0.1, 0.1).find("no losses"), std::string::npos);
  EXPECT_NE(message(RiskBound::kBetting, {0}, 1, 0.1).find("level 1"), std::string::npos);
  EXPECT_NE(message(RiskBound::kBetting, {0}, 0.1, 0).find("delta 0"), std::string::npos);
  EXPECT_NE(message_of(Code::kInvalidArgument, [] { risk_bound_from_string("binomal"); }).find("'binomial'"),
            std::string::npos);
}

}  // namespace
}  // namespace sooner
