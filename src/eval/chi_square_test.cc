#include "eval/chi_square.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sooner {
namespace {

TEST(ChiSquare, SurvivesAsItsClosedFormsSay) {
  EXPECT_NEAR(chi_square_survival(3, 1), std::erfc(std::sqrt(1.5)), 1e-15);
  EXPECT_NEAR(chi_square_survival(3, 2), std::exp(-1.5), 1e-15);
  EXPECT_NEAR(chi_square_survival(3, 4), std::exp(-1.5) * (1 + 1.5), 1e-15);
  EXPECT_NEAR(chi_square_survival(3, 3), std::erfc(std::sqrt(1.5)) + std::sqrt(6 / M_PI) * std::exp(-1.5), 1e-14);
  EXPECT_EQ(chi_square_survival(0, 5), 1);
}

TEST(ChiSquare, KnowsTheCriticalValuesOfTables) {
  EXPECT_NEAR(chi_square_critical(0.05, 1), 3.841459, 1e-6);
  EXPECT_NEAR(chi_square_critical(0.01, 2), -2 * std::log(0.01), 1e-9);
  EXPECT_NEAR(chi_square_critical(0.01, 10), 23.209251, 1e-6);
}

TEST(ChiSquare, OfOneDegreeDetectsWhatANormalTestDoes) {
  // Two-sided at 5 % with power 90 %: (1.959964 + 1.281552)^2.
  EXPECT_NEAR(detectable_noncentrality(0.05, 0.9, 1), 10.5074, 1e-3);
  EXPECT_GT(detectable_noncentrality(0.05, 0.9, 5), detectable_noncentrality(0.05, 0.9, 1));
  EXPECT_GT(detectable_noncentrality(0.01, 0.9, 1), detectable_noncentrality(0.05, 0.9, 1));
}

}  // namespace
}  // namespace sooner
