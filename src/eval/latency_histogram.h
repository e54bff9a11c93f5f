// Measured times of single answers, and their quantiles. Keeps every time: exact, 8 bytes each. Has no clock.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sooner {

// Not thread-safe; one per thread, merged afterwards.
class LatencyHistogram {
 public:
  void reserve(size_t count) { times_us_.reserve(count); }
  // Microseconds. Throws kInvalidArgument for a negative or NaN time.
  void add(double time_us);
  void merge(const LatencyHistogram& other);

  [[nodiscard]] size_t count() const { return times_us_.size(); }
  // All in microseconds; throw kFailedPrecondition while empty.
  [[nodiscard]] double min_us() const { return percentile_us(0); }
  [[nodiscard]] double median_us() const;  // of an even count, the mean of the two in the middle
  [[nodiscard]] double mean_us() const;
  [[nodiscard]] double p50_us() const { return percentile_us(50); }
  [[nodiscard]] double p99_us() const { return percentile_us(99); }
  // Nearest rank: the smallest time such that at least `percent` of the times are no larger. Throws kInvalidArgument
  // outside 0 to 100.
  [[nodiscard]] double percentile_us(double percent) const;

  // For drawing: counts in `bins` equal-width bins from the smallest time to the 99.9th percentile; larger times in the
  // last. Empty while empty. Throws kInvalidArgument for no bins.
  [[nodiscard]] std::vector<size_t> bins(size_t bins) const;

 private:
  [[nodiscard]] const std::vector<double>& sorted() const;

  mutable std::vector<double> times_us_;
  mutable bool is_sorted_ = true;
};

}  // namespace sooner
