#include "quantize/map_range.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.h"
#include "core/text.h"

namespace sooner {
namespace {

constexpr double kKeptShare = 0.9999;
// Ranges tried by kMse, equally spaced up to the largest magnitude.
constexpr int kCandidates = 128;

}  // namespace

RangeMethod range_method_from_string(std::string_view name) {
  if (name == "min-max") return RangeMethod::kMinMax;
  if (name == "percentile") return RangeMethod::kPercentile;
  if (name == "mse") return RangeMethod::kMse;
  fail(Code::kInvalidArgument, "[quantize] method '{}' is unknown; {}", name, suggest(name, quantisation_methods()));
}

void MapRange::see(std::span<const float> values) {
  for (const float value : values) {
    if (!std::isfinite(value)) {
      fail(Code::kFailedPrecondition, "[quantize] a map holds {}, expected finite numbers; check the weights", value);
    }
    lowest_ = std::min(lowest_, value);
    highest_ = std::max(highest_, value);
  }
}

void MapRange::count(std::span<const float> values) {
  const double largest = std::max(-lowest_, highest_);
  bins_.resize(kBins);
  for (const float value : values) {
    if (value == 0) {
      ++zeros_;
      continue;
    }
    const double place = std::abs(static_cast<double>(value)) / largest * static_cast<double>(kBins);
    ++bins_[std::min(kBins - 1, static_cast<size_t>(place))];
  }
}

double MapRange::step(double range) const { return range / (lowest_ < 0 ? 127 : 255); }

MapScale MapRange::scale(RangeMethod method) const {
  double range = std::max(-lowest_, highest_);
  if (range > 0 && method == RangeMethod::kPercentile) range = percentile();
  if (range > 0 && method == RangeMethod::kMse) range = least_squares();
  // A map that is zero throughout needs no particular step.
  const double wanted = range > 0 ? step(range) : 1;
  return {std::clamp(wanted, kSmallestScale, kLargestScale), lowest_ < 0};
}

double MapRange::percentile() const {
  const double largest = std::max(-lowest_, highest_);
  const int64_t all = std::accumulate(bins_.begin(), bins_.end(), zeros_);
  int64_t kept = zeros_;
  for (size_t i = 0; i < bins_.size(); ++i) {
    kept += bins_[i];
    if (static_cast<double>(kept) >= kKeptShare * static_cast<double>(all)) {
      return largest * static_cast<double>(i + 1) / static_cast<double>(kBins);
    }
  }
  return largest;
}

double MapRange::least_squares() const {
  const double largest = std::max(-lowest_, highest_);
  double best = largest, best_error = std::numeric_limits<double>::infinity();
  for (int i = 1; i <= kCandidates; ++i) {
    const double range = largest * i / kCandidates;
    const double error = squared_error(range);
    if (error < best_error) {
      best_error = error;
      best = range;
    }
  }
  return best;
}

// Every number stands in the middle of its bin; zero has no error at any step.
double MapRange::squared_error(double range) const {
  const double largest = std::max(-lowest_, highest_), width = largest / static_cast<double>(kBins);
  const double own_step = step(range);
  double error = 0;
  for (size_t i = 0; i < bins_.size(); ++i) {
    if (bins_[i] == 0) continue;
    const double value = (static_cast<double>(i) + 0.5) * width;
    const double stored = std::min(range, std::nearbyint(value / own_step) * own_step);
    error += static_cast<double>(bins_[i]) * (value - stored) * (value - stored);
  }
  return error;
}

}  // namespace sooner
