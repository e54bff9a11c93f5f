#include "tune/fitting/temperature.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tune/tables/random_table.h"

namespace sooner {
namespace {

// One exit, two classes, every gap 2; `right` of `total` labels are 0.
LogitTable constant_gap(int right, int total) {
  std::vector<std::vector<float>> gaps(static_cast<size_t>(total), {2.0F});
  std::vector<int32_t> labels;
  for (int n = 0; n < total; ++n) labels.push_back(n < right ? 0 : 1);
  return gap_table(gaps, labels, {1.0});
}

TEST(Temperature, MakesTheProbabilityEqualTheAccuracy) {
  // sigmoid(2 / T) = 3/4 at T = 2 / ln 3.
  const TemperatureFit fit = fit_temperature(constant_gap(3, 4), 0);
  EXPECT_NEAR(fit.temperature, 2 / std::log(3.0), 1e-8);
  EXPECT_NEAR(fit.nll_after, 0.5623351446188083, 1e-9);
  // ln(1 + e^-2) + 2 * 1/4.
  EXPECT_NEAR(fit.nll_before, std::log1p(std::exp(-2.0)) + 0.5, 1e-12);
  // 9 of 10: T = 2 / ln 9.
  EXPECT_NEAR(fit_temperature(constant_gap(9, 10), 0).temperature, 2 / std::log(9.0), 1e-8);
}

TEST(Temperature, StopsAtItsBoundsWhereThereIsNoMinimum) {
  EXPECT_DOUBLE_EQ(fit_temperature(constant_gap(4, 4), 0).temperature, kLowestTemperature) << "always right";
  EXPECT_DOUBLE_EQ(fit_temperature(constant_gap(2, 4), 0).temperature, kHighestTemperature) << "chance";
  EXPECT_DOUBLE_EQ(fit_temperature(constant_gap(0, 4), 0).temperature, kHighestTemperature) << "always wrong";
}

TEST(Temperature, StaysOneWhenLogitsSayNothing) {
  const LogitTable table = gap_table({{0.0F}, {0.0F}}, {0, 1}, {1.0});
  EXPECT_EQ(fit_temperature(table, 0).temperature, 1);
}

TEST(Temperature, IsALocalMinimumOfTheNegativeLogLikelihood) {
  const LogitTable table = random_logit_table(8, 400, 3, 7);
  const auto nll = [&](int32_t exit, double temperature) {
    double sum = 0;
    for (int64_t n = 0; n < table.samples; ++n) {
      const auto logits = table.at(n, exit);
      double total = 0;
      for (const float logit : logits) total += std::exp(static_cast<double>(logit) / temperature);
      sum += std::log(total) -
             static_cast<double>(logits[static_cast<size_t>(table.labels[static_cast<size_t>(n)])]) / temperature;
    }
    return sum / static_cast<double>(table.samples);
  };
  const std::vector<double> temperatures = fit_temperatures(table);
  ASSERT_EQ(temperatures.size(), 3U);
  for (int32_t k = 0; k < 3; ++k) {
    const double best = temperatures[static_cast<size_t>(k)];
    EXPECT_LE(nll(k, best), nll(k, best * 1.001));
    EXPECT_LE(nll(k, best), nll(k, best / 1.001));
    EXPECT_LE(nll(k, best), nll(k, 1));
    EXPECT_NEAR(fit_temperature(table, k).nll_after, nll(k, best), 1e-9);
  }
}

TEST(Temperature, FollowsTheScaleOfTheLogits) {
  LogitTable table = random_logit_table(8, 400, 2, 4);
  const std::vector<double> before = fit_temperatures(table);
  for (float& logit : table.logits) logit *= 4;
  const std::vector<double> after = fit_temperatures(table);
  for (size_t k = 0; k < 2; ++k) EXPECT_NEAR(after[k] / before[k], 4, 1e-6);
}

TEST(Temperature, SurvivesEnormousLogits) {
  LogitTable table = random_logit_table(8, 100, 1, 4);
  for (float& logit : table.logits) logit *= 1e30F;
  EXPECT_DOUBLE_EQ(fit_temperature(table, 0).temperature, kHighestTemperature);
}

TEST(Temperature, OfALargeTableIsThatOfAllItsSamples) {
  // More samples than the search starts from, and those it starts from (every second) mislead it: gap 2, right in 3 of
  // 4, but in all of the even ones. T = 2 / ln 3.
  const int64_t samples = 4096 * 2 + 512;
  std::vector<std::vector<float>> gaps(static_cast<size_t>(samples), {2.0F, 2.0F, 4.0F});
  std::vector<int32_t> labels;
  for (int64_t n = 0; n < samples; ++n) labels.push_back(n % 4 == 1 ? 1 : 0);
  const LogitTable table = gap_table(gaps, labels, {1, 1, 1});
  const std::vector<double> temperatures = fit_temperatures(table);
  EXPECT_NEAR(temperatures[0], 2 / std::log(3.0), 1e-9);
  EXPECT_EQ(temperatures[1], temperatures[0]);
  EXPECT_NEAR(temperatures[2], 4 / std::log(3.0), 1e-9);
  const LogitTable sure = gap_table(gaps, std::vector<int32_t>(static_cast<size_t>(samples), 0), {1, 1, 1});
  EXPECT_DOUBLE_EQ(fit_temperatures(sure)[0], kLowestTemperature) << "always right";
  const LogitTable varied = random_logit_table(3, 9000, 2, 5);
  for (int32_t k = 0; k < 2; ++k) {
    EXPECT_NEAR(fit_temperatures(varied)[static_cast<size_t>(k)], fit_temperature(varied, k).temperature, 1e-9);
  }
}

}  // namespace
}  // namespace sooner
