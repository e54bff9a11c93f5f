#include "eval/chi_square.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace sooner {
namespace {

// Where a function that rises from below `wanted` reaches it.
double solve(const std::function<double(double)>& rising, double wanted) {
  double low = 0;
  double high = 1;
  while (rising(high) < wanted) high *= 2;
  while (high - low > 1e-12 * high) {
    const double middle = low + (high - low) / 2;
    (rising(middle) < wanted ? low : high) = middle;
  }
  return high;
}

// P(X >= critical) for X noncentral chi-square: a Poisson mixture of central ones of two degrees more each.
double power_at(double noncentrality, double critical, int32_t degrees) {
  const double half = noncentrality / 2;
  const auto most = static_cast<int32_t>(half + 10 * std::sqrt(half) + 40);
  double sum = 0;
  for (int32_t j = 0; j <= most; ++j) {
    const double log_weight = j * std::log(std::max(half, 1e-300)) - half - std::lgamma(j + 1.0);
    sum += std::exp(log_weight) * chi_square_survival(critical, degrees + 2 * j);
  }
  return sum;
}

}  // namespace

double chi_square_survival(double statistic, int32_t degrees) {
  // Q(a + 1, x) = Q(a, x) + x^a e^-x / Gamma(a + 1), from Q(1/2, x) = erfc(sqrt x) or Q(1, x) = e^-x on (NIST DLMF
  // 8.8.6).
  const double x = statistic / 2;
  if (!(x > 0)) return 1;
  const bool odd = degrees % 2 == 1;
  double sum = odd ? std::erfc(std::sqrt(x)) : std::exp(-x);
  for (int32_t twice_a = odd ? 1 : 2; twice_a < degrees; twice_a += 2) {
    const double a = twice_a / 2.0;
    sum += std::exp(a * std::log(x) - x - std::lgamma(a + 1));
  }
  return std::min(sum, 1.0);
}

double chi_square_critical(double alpha, int32_t degrees) {
  return solve([&](double statistic) { return 1 - chi_square_survival(statistic, degrees); }, 1 - alpha);
}

double detectable_noncentrality(double alpha, double power, int32_t degrees) {
  const double critical = chi_square_critical(alpha, degrees);
  return solve([&](double noncentrality) { return power_at(noncentrality, critical, degrees); }, power);
}

}  // namespace sooner
