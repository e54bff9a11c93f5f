// From the numbers a map takes on samples to the scale it is written down with. Plain statistics; knows no network.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "graph/quantisation.h"

namespace sooner {

// Which numbers shall fit the range; what lies beyond ends up at its ends.
enum class RangeMethod : uint8_t {
  kMinMax,      // all
  kPercentile,  // 99.99 % of them
  kMse,         // as many as make the mean squared error smallest: a finer step against fewer cut off
};
// The names of quantisation_methods(). Throws kInvalidArgument naming the choices.
RangeMethod range_method_from_string(std::string_view name);

// Sees all numbers twice: first their extremes, then how they are spread between those.
class MapRange {
 public:
  // First pass. Throws kFailedPrecondition for a number that is not finite.
  void see(std::span<const float> values);
  // Second pass, over the same numbers.
  void count(std::span<const float> values);
  // A map that was never below zero is unsigned. kMinMax needs no second pass.
  [[nodiscard]] MapScale scale(RangeMethod method) const;

 private:
  static constexpr size_t kBins = 4096;

  [[nodiscard]] double step(double range) const;
  [[nodiscard]] double percentile() const;
  [[nodiscard]] double least_squares() const;
  [[nodiscard]] double squared_error(double range) const;

  float lowest_ = 0;   // never above 0
  float highest_ = 0;  // never below 0
  int64_t zeros_ = 0;
  std::vector<int64_t> bins_;  // of |x| > 0, equal widths up to the largest
};

}  // namespace sooner
