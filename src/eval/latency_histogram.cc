#include "eval/latency_histogram.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.h"

namespace sooner {

void LatencyHistogram::add(double time_us) {
  if (!(time_us >= 0)) fail(Code::kInvalidArgument, "[latency] got {} us, expected 0 or more", time_us);
  is_sorted_ = is_sorted_ && (times_us_.empty() || times_us_.back() <= time_us);
  times_us_.push_back(time_us);
}

void LatencyHistogram::merge(const LatencyHistogram& other) {
  // By index, for `other` may be *this.
  const size_t count = other.times_us_.size();
  times_us_.reserve(times_us_.size() + count);
  for (size_t i = 0; i < count; ++i) times_us_.push_back(other.times_us_[i]);
  is_sorted_ = false;
}

const std::vector<double>& LatencyHistogram::sorted() const {
  if (times_us_.empty()) fail(Code::kFailedPrecondition, "[latency] got no times, expected at least 1; measure first");
  if (!is_sorted_) std::sort(times_us_.begin(), times_us_.end());
  is_sorted_ = true;
  return times_us_;
}

double LatencyHistogram::median_us() const {
  const std::vector<double>& times = sorted();
  const size_t upper = times.size() / 2;
  return times.size() % 2 == 1 ? times[upper] : (times[upper - 1] + times[upper]) / 2;
}

double LatencyHistogram::mean_us() const {
  const std::vector<double>& times = sorted();
  return std::accumulate(times.begin(), times.end(), 0.0) / static_cast<double>(times.size());
}

double LatencyHistogram::percentile_us(double percent) const {
  if (!(percent >= 0 && percent <= 100)) {
    fail(Code::kInvalidArgument, "[latency] got percentile {}, expected 0 to 100", percent);
  }
  const std::vector<double>& times = sorted();
  const double rank = std::ceil(percent / 100 * static_cast<double>(times.size()));
  return times[static_cast<size_t>(std::max(rank, 1.0)) - 1];
}

std::vector<size_t> LatencyHistogram::bins(size_t bins) const {
  if (bins == 0) fail(Code::kInvalidArgument, "[latency] got 0 bins, expected at least 1");
  if (times_us_.empty()) return {};
  const double low = min_us();
  const double high = percentile_us(99.9);
  std::vector<size_t> counts(bins, 0);
  for (const double time : times_us_) {
    const double place = high > low ? (time - low) / (high - low) * static_cast<double>(bins) : 0;
    ++counts[static_cast<size_t>(std::clamp(place, 0.0, static_cast<double>(bins - 1)))];
  }
  return counts;
}

}  // namespace sooner
