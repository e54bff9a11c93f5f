#include "core/clock.h"

#include <gtest/gtest.h>

#include "support/fake_clock.h"

namespace sooner {
namespace {

TEST(Clock, OfTheMachineNeverFalls) {
  double before = steady_clock().seconds();
  for (int reading = 0; reading < 1000; ++reading) {
    const double now = steady_clock().seconds();
    EXPECT_GE(now, before);
    before = now;
  }
}

TEST(Stopwatch, CountsFromItsMakingOrTheLatestLap) {
  test::FakeClock clock(100);
  Stopwatch watch(clock);
  clock.advance(1.5);
  EXPECT_EQ(watch.seconds(), 1.5);
  EXPECT_EQ(watch.lap(), 1.5);
  EXPECT_EQ(watch.seconds(), 0);
  clock.advance(0.25);
  EXPECT_EQ(watch.seconds(), 0.25);
}

}  // namespace
}  // namespace sooner
