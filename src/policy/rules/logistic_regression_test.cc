#include "policy/rules/logistic_regression.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/rng.h"

namespace sooner {
namespace {

// Standard normal features; what holds is drawn by these weights, w_0 first.
Examples drawn(uint64_t seed, int64_t samples, const std::vector<double>& weights) {
  Examples examples{.features = weights.size() - 1};
  Rng rng(seed);
  for (int64_t n = 0; n < samples; ++n) {
    double z = weights[0];
    for (size_t f = 1; f < weights.size(); ++f) {
      examples.values.push_back(rng.normal());
      z += weights[f] * examples.values.back();
    }
    examples.holds.push_back(rng.chance(1 / (1 + std::exp(-z))) ? 1 : 0);
  }
  return examples;
}

TEST(LogisticRegression, OfNoFeaturesIsTheShareThatHolds) {
  // 3 of 4 hold: the slope sigmoid(w) - 3/4 + 1e-6 w is 0 near w = ln 3.
  const std::vector<double> weights = fit_logistic({.features = 0, .holds = {1, 1, 1, 0}}, 1e-6);
  ASSERT_EQ(weights.size(), 1U);
  EXPECT_NEAR(weights[0], std::log(3.0), 1e-5);
  EXPECT_NEAR(1 / (1 + std::exp(-weights[0])) - 0.75 + 1e-6 * weights[0], 0, 1e-12);
}

TEST(LogisticRegression, HasTheSlopesOfItsLoss) {
  const Examples examples = drawn(1, 500, {0.5, 1, -2, 0.25});
  const std::vector<double> at = {0.1, -0.3, 0.7, 1.1};
  constexpr double kPenalty = 0.01, kStep = 1e-5;
  const LogisticLoss here = logistic_loss(examples, at, kPenalty);
  for (size_t i = 0; i < at.size(); ++i) {
    std::vector<double> up = at, down = at;
    up[i] += kStep;
    down[i] -= kStep;
    const LogisticLoss above = logistic_loss(examples, up, kPenalty), below = logistic_loss(examples, down, kPenalty);
    EXPECT_NEAR(here.gradient[i], (above.value - below.value) / (2 * kStep), 1e-8) << i;
    for (size_t j = 0; j < at.size(); ++j) {
      EXPECT_NEAR(here.hessian[i * 4 + j], (above.gradient[j] - below.gradient[j]) / (2 * kStep), 1e-8) << i << j;
    }
  }
}

TEST(LogisticRegression, FindsTheWeightsThatExamplesWereDrawnBy) {
  const std::vector<double> truth = {-0.5, 1.5, 0, -0.75};
  const std::vector<double> found = fit_logistic(drawn(2, 40'000, truth), 1e-6);
  // Standard errors are near 2.5 / sqrt(40,000).
  for (size_t i = 0; i < truth.size(); ++i) EXPECT_NEAR(found[i], truth[i], 0.06) << i;
}

TEST(LogisticRegression, EndsWhereTheSlopeIsZero) {
  const Examples examples = drawn(3, 700, {1, 3, -3});
  for (const double part : logistic_loss(examples, fit_logistic(examples, 1e-3), 1e-3).gradient) {
    EXPECT_NEAR(part, 0, 1e-9);
  }
}

TEST(LogisticRegression, StaysFiniteWhereNothingIsLeftToTell) {
  // Told apart without error, and all alike.
  const std::vector<double> apart =
      fit_logistic({.features = 1, .values = {-1, -2, 1, 2}, .holds = {0, 0, 1, 1}}, 1e-3);
  EXPECT_GT(apart[1], 1);
  EXPECT_LT(apart[1], 50);
  EXPECT_NEAR(apart[0], 0, 1e-9) << "by symmetry";
  const std::vector<double> alike = fit_logistic({.features = 1, .values = {0, 0, 0}, .holds = {1, 1, 1}}, 1e-3);
  EXPECT_GT(alike[0], 3);
  EXPECT_LT(alike[0], 10);
  EXPECT_EQ(alike[1], 0);
}

TEST(LogisticRegression, IsTheSameEveryTime) {
  const Examples examples = drawn(4, 3000, {0, 1, 1, 1});
  EXPECT_EQ(fit_logistic(examples, 1e-3), fit_logistic(examples, 1e-3));
}

}  // namespace
}  // namespace sooner
