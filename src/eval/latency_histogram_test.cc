#include "eval/latency_histogram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"

namespace sooner {
namespace {

TEST(LatencyHistogram, MatchesNumbersWorkedByHand) {
  LatencyHistogram times;
  for (const double time : {30.0, 10.0, 20.0, 100.0}) times.add(time);
  EXPECT_EQ(times.count(), 4U);
  EXPECT_EQ(times.min_us(), 10);
  EXPECT_EQ(times.median_us(), 25);
  EXPECT_EQ(times.mean_us(), 40);
  EXPECT_EQ(times.p50_us(), 20);
  EXPECT_EQ(times.p99_us(), 100);
  EXPECT_EQ(times.percentile_us(75), 30);
  EXPECT_EQ(times.percentile_us(75.1), 100);
  EXPECT_EQ(times.percentile_us(100), 100);
}

TEST(LatencyHistogram, FindsThe99thOfAHundred) {
  LatencyHistogram times;
  for (int i = 100; i >= 1; --i) times.add(i);
  EXPECT_EQ(times.p99_us(), 99);
  EXPECT_EQ(times.percentile_us(1), 1);
  EXPECT_EQ(times.median_us(), 50.5);
}

TEST(LatencyHistogram, OfOneTimeIsThatTime) {
  LatencyHistogram times;
  times.add(7);
  for (const double percent : {0.0, 50.0, 99.0, 100.0}) EXPECT_EQ(times.percentile_us(percent), 7);
  EXPECT_EQ(times.median_us(), 7);
}

TEST(LatencyHistogram, MergesAndKeepsCounting) {
  LatencyHistogram one;
  LatencyHistogram other;
  one.add(5);
  other.add(1);
  EXPECT_EQ(one.median_us(), 5);
  one.merge(other);
  EXPECT_EQ(one.median_us(), 3);
  one.merge(one);
  EXPECT_EQ(one.count(), 4U);
  one.add(0);
  EXPECT_EQ(one.min_us(), 0);
}

TEST(LatencyHistogram, BinsForDrawing) {
  LatencyHistogram times;
  for (const double time : {0.0, 1.0, 2.0, 3.0, 4.0}) times.add(time);
  EXPECT_THAT(times.bins(4), ::testing::ElementsAre(1, 1, 1, 2));
  EXPECT_THAT(times.bins(1), ::testing::ElementsAre(5));
  EXPECT_TRUE(LatencyHistogram().bins(3).empty());
  EXPECT_THROW(static_cast<void>(times.bins(0)), Error);
}

TEST(LatencyHistogram, RefusesWhatIsNotATime) {
  LatencyHistogram times;
  EXPECT_THROW(times.add(-1), Error);
  EXPECT_THROW(times.add(std::nan("")), Error);
  EXPECT_THROW(static_cast<void>(times.median_us()), Error);
  EXPECT_THROW(static_cast<void>(times.p99_us()), Error);
  times.add(1);
  EXPECT_THROW(static_cast<void>(times.percentile_us(101)), Error);
  EXPECT_THROW(static_cast<void>(times.percentile_us(-1)), Error);
}

}  // namespace
}  // namespace sooner
