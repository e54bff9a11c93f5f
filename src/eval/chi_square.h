// The chi-square distribution, for tests of whether two samples look alike.
#pragma once

#include <cstdint>

namespace sooner {

// P(X >= statistic) for X chi-square with `degrees` degrees of freedom. REQUIRES: statistic >= 0, degrees >= 1.
double chi_square_survival(double statistic, int32_t degrees);

// The statistic that is reached with probability `alpha`. REQUIRES: 0 < alpha < 1, degrees >= 1.
double chi_square_critical(double alpha, int32_t degrees);

// The noncentrality at which a test at `alpha` rejects with probability `power`: n times Cohen's w squared, for n
// samples. REQUIRES: 0 < alpha < power < 1, degrees >= 1.
double detectable_noncentrality(double alpha, double power, int32_t degrees);

}  // namespace sooner
