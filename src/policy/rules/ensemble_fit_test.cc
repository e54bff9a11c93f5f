#include "policy/rules/ensemble_fit.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/labelled_rows.h"

namespace sooner {
namespace {

TEST(EnsembleFit, OfOneExitMatchesTheMinimumWorkedByHand) {
  // Every gap 2. Of those answered 0, 3 in 4 are right, and as many of those answered 1: no bias, and
  // sigmoid(2 exp(w)) = 3/4 at w = ln(ln 3 / 2) but for the penalty, 1e-3 w against the slope.
  std::vector<std::vector<float>> gaps;
  std::vector<int32_t> labels;
  for (int n = 0; n < 8; ++n) {
    gaps.push_back({n < 4 ? 2.0F : -2.0F, 0});
    labels.push_back((n % 4 == 3) == (n < 4) ? 1 : 0);
  }
  const EnsembleFit fit = fit_ensemble(gap_rows(gaps, labels), {});
  ASSERT_EQ(fit.weights.size(), 1U);
  const double w = fit.weights[0][0];
  const double u = std::exp(w);
  // d/dw of ln(1 + exp(-2u)) + 2u/4 + 1e-3 w^2 / 2.
  EXPECT_NEAR(-2 * u / (1 + std::exp(2 * u)) + u / 2 + 1e-3 * w, 0, 1e-6);
  EXPECT_NEAR(w, std::log(std::log(3.0) / 2), 0.02);
  EXPECT_NEAR(fit.biases[0][0], 0, 1e-5);
}

TEST(EnsembleFit, IsAMinimumAndBeatsEqualWeights) {
  const LabelledRows rows = random_rows(44, 600, 4, 5);
  const PolicySpec spec{.name = "ensemble", .temperatures = {1, 1.5, 0.8, 1}};
  const EnsembleFit fit = fit_ensemble(rows, spec.temperatures);
  const auto loss = [&](const EnsembleFit& ensemble, size_t exit) {
    double sum = 0, squares = 0;
    for (const double w : ensemble.weights[exit]) squares += w * w;
    for (const double b : ensemble.biases[exit]) squares += b * b;
    for (int64_t n = 0; n < rows.samples(); ++n) {
      std::vector<double> log_q = ensemble.biases[exit];
      for (size_t i = 0; i <= exit; ++i) {
        const std::span<const float> logits = rows.observation(n, static_cast<int32_t>(i)).logits;
        double total = 0;
        for (const float z : logits) total += std::exp(static_cast<double>(z) / spec.temperatures[i]);
        for (size_t c = 0; c < 5; ++c) {
          log_q[c] += std::exp(ensemble.weights[exit][i]) / static_cast<double>(exit + 1) *
                      (static_cast<double>(logits[c]) / spec.temperatures[i] - std::log(total));
        }
      }
      double total = 0;
      for (const double part : log_q) total += std::exp(part);
      sum += std::log(total) - log_q[static_cast<size_t>(rows.label(n))];
    }
    return sum / static_cast<double>(rows.samples()) + 1e-3 / 2 * squares;
  };
  EnsembleFit equal = fit;
  for (auto& row : equal.weights) std::fill(row.begin(), row.end(), 0.0);
  for (auto& row : equal.biases) std::fill(row.begin(), row.end(), 0.0);
  for (size_t k = 0; k < 3; ++k) {
    const double best = loss(fit, k);
    EXPECT_LT(best, loss(equal, k));
    for (size_t i = 0; i <= k; ++i) {
      for (const double step : {-0.01, 0.01}) {
        EnsembleFit beside = fit;
        beside.weights[k][i] += step;
        EXPECT_LT(best, loss(beside, k)) << k << " " << i;
      }
    }
    EnsembleFit beside = fit;
    beside.biases[k][2] += 0.01;
    EXPECT_LT(best, loss(beside, k));
  }
}

TEST(EnsembleFit, StaysFiniteWhereEveryAnswerIsRight) {
  for (const auto& row : fit_ensemble(gap_rows({{5, 5, 5}, {-5, -5, -5}}, {0, 1}), {}).weights) {
    for (const double w : row) EXPECT_LT(std::abs(w), 50);
  }
}

}  // namespace
}  // namespace sooner
