#include "quantize/map_range.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/rng.h"
#include "support/message_of.h"

namespace sooner {
namespace {

MapScale scale_of(const std::vector<float>& values, RangeMethod method) {
  MapRange range;
  range.see(values);
  range.count(values);
  return range.scale(method);
}

TEST(MapRange, ReachesFromZeroToTheLargestInTwoHundredFiftyFiveSteps) {
  const MapScale map = scale_of({0, 1, 25.5, 3}, RangeMethod::kMinMax);
  EXPECT_FALSE(map.is_signed);
  EXPECT_NEAR(map.scale, 0.1, 1e-7);
}

TEST(MapRange, OfNumbersBelowZeroIsSymmetric) {
  const MapScale map = scale_of({-12.7F, 1}, RangeMethod::kMinMax);
  EXPECT_TRUE(map.is_signed);
  EXPECT_NEAR(map.scale, 0.1, 1e-7);
}

TEST(MapRange, OfNothingButZeroHasSomeStep) {
  for (const RangeMethod method : {RangeMethod::kMinMax, RangeMethod::kPercentile, RangeMethod::kMse}) {
    EXPECT_EQ(scale_of({0, 0}, method), (MapScale{1, false}));
  }
}

TEST(MapRange, StaysWithinWhatAFileMayHold) {
  EXPECT_EQ(scale_of({1e-30F}, RangeMethod::kMinMax).scale, kSmallestScale);
  EXPECT_EQ(scale_of({1e30F}, RangeMethod::kMinMax).scale, kLargestScale);
}

TEST(MapRange, PercentileLeavesOutOneInTenThousand) {
  // 20,000 numbers up to 1 and one of 100: 99.99 % end by 1, which is bin 40 of 4096.
  std::vector<float> values(20000);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i + 1) / 20000;
  values.push_back(100);
  EXPECT_NEAR(scale_of(values, RangeMethod::kMinMax).scale, 100.0 / 255, 1e-6);
  EXPECT_NEAR(scale_of(values, RangeMethod::kPercentile).scale, 41 * 100.0 / 4096 / 255, 1e-6);
  // Three such are more than may be left out.
  values.insert(values.end(), {100, 100});
  EXPECT_NEAR(scale_of(values, RangeMethod::kPercentile).scale, 100.0 / 255, 1e-6);
}

// Mean squared error of storing the numbers at a scale, written out.
double mean_squared_error(const std::vector<float>& values, const MapScale& map) {
  double sum = 0;
  for (const float value : values) {
    const double low = map.is_signed ? -128 : 0;
    const double q = std::clamp(std::nearbyint(value / map.scale), low, low + 255);
    sum += (value - q * map.scale) * (value - q * map.scale);
  }
  return sum / static_cast<double>(values.size());
}

TEST(MapRange, MseIsNoWorseThanTheOthersOnALongTail) {
  Rng rng(3);
  std::vector<float> values(50000);
  for (float& value : values) value = static_cast<float>(std::exp(1.5 * rng.normal()));
  const double least = mean_squared_error(values, scale_of(values, RangeMethod::kMse));
  EXPECT_LT(least, mean_squared_error(values, scale_of(values, RangeMethod::kMinMax)));
  EXPECT_LE(least, 1.01 * mean_squared_error(values, scale_of(values, RangeMethod::kPercentile)));
}

TEST(MapRange, RefusesWhatIsNotFinite) {
  MapRange range;
  for (const float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    EXPECT_NE(message_of(Code::kFailedPrecondition, [&] { range.see(std::vector<float>{1, bad}); }).find("finite"),
              std::string::npos);
  }
}

TEST(RangeMethod, IsKnownByName) {
  EXPECT_EQ(range_method_from_string("min-max"), RangeMethod::kMinMax);
  EXPECT_EQ(range_method_from_string("percentile"), RangeMethod::kPercentile);
  EXPECT_EQ(range_method_from_string("mse"), RangeMethod::kMse);
  EXPECT_NE(message_of(Code::kInvalidArgument, [] { range_method_from_string("minmax"); }).find("min-max"),
            std::string::npos);
}

}  // namespace
}  // namespace sooner
