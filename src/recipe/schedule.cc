#include "recipe/schedule.h"

#include <cmath>
#include <numbers>

namespace sooner {
namespace {

// From `from` at t = 0 to `to` at t = 1 along a half cosine.
double half_cosine(double from, double to, double t) {
  return std::lerp(from, to, (1 - std::cos(std::numbers::pi * t)) / 2);
}

}  // namespace

double Schedule::rate(int64_t step) const {
  const auto at = static_cast<double>(step);
  const auto total = static_cast<double>(total_steps);
  const double rise = std::floor(warmup * total);
  const bool one_cycle = kind == "one-cycle";
  if (at < rise) return one_cycle ? half_cosine(peak / 25, peak, at / rise) : peak * (at + 1) / rise;
  const double left = std::max(1.0, total - 1 - rise);
  const double t = std::min(1.0, (at - rise) / left);
  if (one_cycle) return half_cosine(peak, peak / 1e4, t);
  if (kind == "cosine") return half_cosine(peak, 0, t);
  if (kind == "step") return at >= 0.75 * total ? peak * 0.01 : at >= 0.5 * total ? peak * 0.1 : peak;
  return peak;
}

}  // namespace sooner
