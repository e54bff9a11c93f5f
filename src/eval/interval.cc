#include "eval/interval.h"

#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.h"

namespace sooner {
namespace {

// The 97.5 % quantile of Student's t: tabled where few values make it large, beyond by its expansion in 1/degrees.
double student_t(size_t degrees) {
  constexpr std::array<double, 10> kFew = {12.7062, 4.3027, 3.1824, 2.7764, 2.5706,
                                           2.4469,  2.3646, 2.3060, 2.2622, 2.2281};
  if (degrees <= kFew.size()) return kFew[degrees - 1];
  constexpr double kZ = 1.959964;
  const auto n = static_cast<double>(degrees);
  return kZ + (std::pow(kZ, 3) + kZ) / (4 * n) + (5 * std::pow(kZ, 5) + 16 * std::pow(kZ, 3) + 3 * kZ) / (96 * n * n) +
         (3 * std::pow(kZ, 7) + 19 * std::pow(kZ, 5) + 17 * std::pow(kZ, 3) - 15 * kZ) / (384 * n * n * n);
}

}  // namespace

MeanInterval mean_interval(std::span<const double> values) {
  if (values.empty()) fail(Code::kInvalidArgument, "[interval] got no values, expected at least 1");
  for (const double value : values) {
    if (!std::isfinite(value)) fail(Code::kInvalidArgument, "[interval] got {}, expected finite values", value);
  }
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  if (values.size() < 2) return {mean, std::numeric_limits<double>::quiet_NaN()};
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {mean, student_t(values.size() - 1) * std::sqrt(squares / (n - 1) / n)};
}

}  // namespace sooner
