#include "policy/scores.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace sooner {
namespace {

constexpr double kNear = 1e-12;
const auto kLog = [](double x) { return static_cast<float>(std::log(x)); };

TEST(Argmax, TakesTheFirstOfEquals) {
  EXPECT_EQ(argmax(std::array{1.0F, 3.0F, 3.0F, -1.0F}), 1);
  EXPECT_EQ(argmax(std::array{0.0F, 0.0F}), 0);
  EXPECT_EQ(argmax(std::array{-2.0F, -1.0F}), 1);
}

TEST(EntropyScore, IsZeroWhenAllClassesAreEquallyLikely) {
  EXPECT_NEAR(entropy_score(std::array{2.0F, 2.0F, 2.0F}), 0, kNear);
  EXPECT_NEAR(entropy_score(std::vector<float>(10, -7.0F)), 0, kNear);
}

TEST(EntropyScore, MatchesTwoClassEntropyWorkedByHand) {
  // p = {3/4, 1/4}: H = -(.75 ln .75 + .25 ln .25) = 0.5623351446188083 nats; ln 2 = 0.6931471805599453.
  EXPECT_NEAR(entropy_score(std::array{kLog(3), 0.0F}), 1 - 0.5623351446188083 / 0.6931471805599453, 1e-7);
  // p = {1/2, 1/4, 1/4}: H = 1.5 ln 2, so the score is 1 - 1.5 ln 2 / ln 3.
  EXPECT_NEAR(entropy_score(std::array{kLog(2), 0.0F, 0.0F}), 1 - 1.5 * std::log(2.0) / std::log(3.0), 1e-7);
}

TEST(EntropyScore, DoesNotChangeWhenAllLogitsMove) {
  EXPECT_NEAR(entropy_score(std::array{1.0F, 2.0F, 4.0F}), entropy_score(std::array{101.0F, 102.0F, 104.0F}), kNear);
}

TEST(EntropyScore, KeepsApartAnswersThatFloatProbabilitiesTieAt) {
  const double sure = entropy_score(std::array{20.0F, 0.0F});
  const double surer = entropy_score(std::array{25.0F, 0.0F});
  EXPECT_LT(sure, surer);
  EXPECT_LT(surer, 1);
  // H = ln(1 + e) + 25 e / (1 + e) with e = exp(-25), e^2 negligible: 26 e.
  EXPECT_NEAR((1 - surer) * std::log(2.0) / (26 * std::exp(-25.0)), 1, 1e-4);
}

TEST(EntropyScore, AppliesTheTemperature) {
  EXPECT_NEAR(entropy_score(std::array{4.0F, 2.0F, 0.0F}, 2), entropy_score(std::array{2.0F, 1.0F, 0.0F}), kNear);
}

TEST(EntropyScore, IsOneForLogitsBeyondAnyDoubleExponential) {
  EXPECT_EQ(entropy_score(std::array{2000.0F, 0.0F}), 1);
  EXPECT_EQ(entropy_score(std::array{0.0F, -std::numeric_limits<float>::infinity()}), 1);
}

TEST(MaxProbLogOdds, IsTheLogitGapForTwoClasses) {
  EXPECT_NEAR(max_prob_log_odds(std::array{3.0F, 1.0F}), 2, kNear);
  EXPECT_NEAR(max_prob_log_odds(std::array{1.0F, 3.0F}), 2, kNear);
  EXPECT_NEAR(max_prob_log_odds(std::array{1.0F, 1.0F}), 0, kNear);
}

TEST(MaxProbLogOdds, MatchesNumbersWorkedByHand) {
  // Three equal logits: p = 1/3, odds 1/2.
  EXPECT_NEAR(max_prob_log_odds(std::array{5.0F, 5.0F, 5.0F}), -std::log(2.0), kNear);
  // p_max = 6 / (6 + 1 + 2) = 2/3, odds 2.
  EXPECT_NEAR(max_prob_log_odds(std::array{kLog(2), kLog(6), 0.0F}), std::log(2.0), 1e-6);
  // T = 2 halves a gap of 4.
  EXPECT_NEAR(max_prob_log_odds(std::array{4.0F, 0.0F}, 2), 2, kNear);
}

TEST(MaxProbLogOdds, StaysFiniteAndOrderedForHugeGaps) {
  const double huge = max_prob_log_odds(std::array{3000.0F, 0.0F, 0.0F});
  EXPECT_NEAR(huge, 3000 - std::log(2.0), 1e-9);
  EXPECT_LT(huge, max_prob_log_odds(std::array{3001.0F, 0.0F, 0.0F}));
}

TEST(MarginScore, MatchesNumbersWorkedByHand) {
  EXPECT_NEAR(margin_score(std::array{kLog(6), kLog(2), 0.0F}), 6.0 / 9 - 2.0 / 9, 1e-7);
  EXPECT_NEAR(margin_score(std::array{kLog(3), 0.0F}), 0.5, 1e-7);
  EXPECT_EQ(margin_score(std::array{1.0F, 1.0F, -4.0F}), 0);
  EXPECT_EQ(margin_score(std::array{1000.0F, 0.0F}), 1);
  // T = 2: logits {ln 3, 0} again.
  EXPECT_NEAR(margin_score(std::array{2 * kLog(3), 0.0F}, 2), 0.5, 1e-7);
}

TEST(GateScores, AreMaxProbEntropyMarginAndSharpenedEntropy) {
  std::array<float, 4> scores{};
  gate_scores(std::array{kLog(3), 0.0F}, scores);  // p = {3/4, 1/4}, q = {9/10, 1/10}
  const double q_entropy = -(0.9 * std::log(0.9) + 0.1 * std::log(0.1));
  EXPECT_NEAR(scores[0], 0.75, 1e-6);
  EXPECT_NEAR(scores[1], 0.5623351446188083 / std::log(2.0), 1e-6);
  EXPECT_NEAR(scores[2], 0.5, 1e-6);
  EXPECT_NEAR(scores[3], q_entropy / std::log(2.0), 1e-6);
}

TEST(GateScores, OfEqualLogitsAreUniform) {
  std::array<float, 4> scores{};
  gate_scores(std::vector<float>(4, 1.5F), scores);
  EXPECT_NEAR(scores[0], 0.25, 1e-6);
  EXPECT_NEAR(scores[1], 1, 1e-6);
  EXPECT_NEAR(scores[2], 0, 1e-6);
  EXPECT_NEAR(scores[3], 1, 1e-6);
}

TEST(Scores, OfNotANumberAreNotANumber) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const std::vector<float>& logits : {std::vector{nan, 1.0F, 2.0F}, std::vector{1.0F, nan, 2.0F}}) {
    EXPECT_TRUE(std::isnan(entropy_score(logits)));
    EXPECT_TRUE(std::isnan(max_prob_log_odds(logits)));
    EXPECT_TRUE(std::isnan(margin_score(logits)));
  }
}

}  // namespace
}  // namespace sooner
