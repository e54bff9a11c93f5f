#include "eval/calibration_error.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "core/error.h"
#include "tune/fitting/temperature.h"
#include "tune/tables/random_table.h"

namespace sooner {
namespace {

const float kLog3 = std::log(3.0F);

// p = 3/4 for class 0 four times, right three times of four; then p = 1/2 each way.
LogitTable three_of_four() { return gap_table({{kLog3}, {kLog3}, {kLog3}, {kLog3}}, {0, 0, 0, 1}, {1}); }

TEST(CalibrationError, OfHonestProbabilitiesIsZero) {
  const CalibrationError error = calibration_error(three_of_four(), 0);
  EXPECT_EQ(error.samples, 4);
  EXPECT_DOUBLE_EQ(error.accuracy, 0.75);
  EXPECT_NEAR(error.ece, 0, 1e-7);
  // Right: 2 (1/4)^2 = 1/8; wrong: 2 (3/4)^2 = 9/8.
  EXPECT_NEAR(error.brier, (3 * 0.125 + 1.125) / 4, 1e-7);
  EXPECT_NEAR(error.nll, 0.5623351446188083, 1e-7);
  EXPECT_DOUBLE_EQ(*error.failure_auroc, 0.5);
}

TEST(CalibrationError, MeasuresOverconfidence) {
  // p = .9 (log-odds ln 9), right half of the time.
  const float gap = std::log(9.0F);
  const CalibrationError error = calibration_error(gap_table({{gap}, {gap}}, {0, 1}, {1}), 0);
  EXPECT_NEAR(error.ece, 0.4, 1e-6);
  EXPECT_NEAR(error.brier, (0.02 + 1.62) / 2, 1e-6);
  EXPECT_NEAR(error.nll, -(std::log(0.9) + std::log(0.1)) / 2, 1e-6);
}

TEST(CalibrationError, WeighsBinsByTheirSamples) {
  // Three at p = .75 all right (.25 off), one at p = .9 wrong (.9 off).
  const LogitTable table = gap_table({{kLog3}, {kLog3}, {kLog3}, {std::log(9.0F)}}, {0, 0, 0, 1}, {1});
  const CalibrationError error = calibration_error(table, 0);
  EXPECT_NEAR(error.ece, 0.75 * 0.25 + 0.25 * 0.9, 1e-6);
  EXPECT_DOUBLE_EQ(*error.failure_auroc, 0) << "the wrong one is the surest";
}

TEST(CalibrationError, AppliesTheTemperature) {
  const LogitTable doubled = gap_table({{2 * kLog3}, {2 * kLog3}, {2 * kLog3}, {2 * kLog3}}, {0, 0, 0, 1}, {1});
  EXPECT_NEAR(calibration_error(doubled, 0, 2).ece, 0, 1e-7);
  EXPECT_GT(calibration_error(doubled, 0, 1).ece, 0.1);
}

TEST(CalibrationError, OfFittedTemperaturesHasTheFittedLoss) {
  const LogitTable table = random_logit_table(51, 300, 2, 5);
  const TemperatureFit fit = fit_temperature(table, 0);
  EXPECT_NEAR(calibration_error(table, 0, fit.temperature).nll, fit.nll_after, 1e-12);
  EXPECT_NEAR(calibration_error(table, 0).nll, fit.nll_before, 1e-12);
}

TEST(CalibrationError, HasNoFailureAurocWhenNothingFails) {
  EXPECT_FALSE(calibration_error(gap_table({{1}, {2}}, {0, 0}, {1}), 0).failure_auroc.has_value());
}

TEST(CalibrationError, StaysFiniteForSureMistakes) {
  const CalibrationError error = calibration_error(gap_table({{5000}}, {1}, {1}), 0);
  EXPECT_DOUBLE_EQ(error.nll, 5000);
  EXPECT_DOUBLE_EQ(error.brier, 2);
  EXPECT_DOUBLE_EQ(error.ece, 1);
}

TEST(Reliability, PutsProbabilitiesIntoTheirBins) {
  // p = 3/4 lies in bin (11/15, 12/15]; p = 1/2 in (7/15, 8/15].
  const LogitTable table = gap_table({{kLog3}, {kLog3}, {0}}, {0, 1, 0}, {1});
  const std::vector<ReliabilityBin> bins = reliability(table, 0);
  ASSERT_EQ(bins.size(), 15U);
  EXPECT_EQ(bins[11].samples, 2);
  EXPECT_DOUBLE_EQ(bins[11].accuracy, 0.5);
  EXPECT_NEAR(bins[11].mean_probability, 0.75, 1e-7);
  EXPECT_EQ(bins[7].samples, 1);
  EXPECT_EQ(std::accumulate(bins.begin(), bins.end(), int64_t{0},
                            [](int64_t sum, const ReliabilityBin& bin) { return sum + bin.samples; }),
            3);
}

TEST(CalibrationError, OfWhatIsNotThereIsRefused) {
  const LogitTable table = three_of_four();
  EXPECT_THROW(calibration_error(LogitTable{}, 0), Error);
  EXPECT_THROW(calibration_error(table, 1), Error);
  EXPECT_THROW(calibration_error(table, -1), Error);
  EXPECT_THROW(calibration_error(table, 0, 0), Error);
  EXPECT_THROW(reliability(table, 0, 1, 0), Error);
}

TEST(CalibrationErrors, OfAllExitsAreThoseOfEach) {
  const LogitTable table = random_logit_table(5, 700, 3, 6);
  const std::vector<double> temperatures{0.5, 1, 2};
  const std::vector<CalibrationError> all = calibration_errors(table, temperatures);
  ASSERT_EQ(all.size(), 3U);
  for (int32_t k = 0; k < 3; ++k) {
    const auto i = static_cast<size_t>(k);
    const CalibrationError one = calibration_error(table, k, temperatures[i]);
    EXPECT_EQ(all[i].ece, one.ece);
    EXPECT_EQ(all[i].brier, one.brier);
    EXPECT_EQ(all[i].nll, one.nll);
    EXPECT_EQ(all[i].failure_auroc, one.failure_auroc);
  }
  EXPECT_EQ(calibration_errors(table)[2].ece, calibration_error(table, 2).ece);
  EXPECT_THROW(calibration_errors(table, std::vector<double>{1, 1}), Error);
}

}  // namespace
}  // namespace sooner
