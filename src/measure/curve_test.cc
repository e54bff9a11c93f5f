#include "measure/curve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/message_of.h"
#include "tune/tables/random_table.h"

namespace sooner {
namespace {

TEST(MeasuredCurve, OfAlwaysHasEveryExitAtItsCost) {
  const LogitTable tune = random_logit_table(1, 50, 3, 4), other = random_logit_table(2, 40, 3, 4);
  const std::vector<CurvePoint> points = measured_curve(tune, other, "always");
  ASSERT_EQ(points.size(), 3U);
  for (size_t k = 0; k < 3; ++k) {
    EXPECT_DOUBLE_EQ(points[k].cost, other.exit_cost[k]);
    EXPECT_EQ(points[k].shares[k], 1);
  }
}

TEST(MeasuredCurve, ReportsPointsOfOneTableOnAnother) {
  const LogitTable tune = random_logit_table(1, 50, 3, 4), other = random_logit_table(2, 40, 3, 4);
  const std::vector<CurvePoint> points = measured_curve(tune, other, "max-prob");
  ASSERT_FALSE(points.empty());
  for (const CurvePoint& point : points) {
    const Replay replayed = replay(other, *make_policy(point.spec, policy_context(other)));
    EXPECT_DOUBLE_EQ(point.cost, replayed.cost);
    EXPECT_DOUBLE_EQ(point.quality, replayed.quality);
  }
  message_of(Code::kInvalidArgument, [&] { measured_curve(tune, other, "never"); });
}

}  // namespace
}  // namespace sooner
