#include "recipe/schedule.h"

#include <gtest/gtest.h>

namespace sooner {
namespace {

TEST(Schedule, OneCycleRisesFromATwentyFifthToThePeakAndFallsToATenThousandth) {
  const Schedule s{"one-cycle", 0.5, 0.25, 101};
  EXPECT_DOUBLE_EQ(s.rate(0), 0.02);
  EXPECT_NEAR(s.rate(12), 0.249, 0.02);  // near half way up
  EXPECT_DOUBLE_EQ(s.rate(25), 0.5);
  EXPECT_DOUBLE_EQ(s.rate(100), 5e-5);
  for (int64_t t = 26; t <= 100; ++t) EXPECT_LT(s.rate(t), s.rate(t - 1));
}

TEST(Schedule, CosineRisesLinearlyAndEndsAtZero) {
  const Schedule s{"cosine", 1, 0.1, 41};
  EXPECT_DOUBLE_EQ(s.rate(0), 0.25);
  EXPECT_DOUBLE_EQ(s.rate(3), 1);
  EXPECT_DOUBLE_EQ(s.rate(4), 1);
  EXPECT_NEAR(s.rate(22), 0.5, 1e-12);
  EXPECT_NEAR(s.rate(40), 0, 1e-12);
}

TEST(Schedule, StepFallsTenfoldAtHalfAndThreeQuarters) {
  const Schedule s{"step", 2, 0, 100};
  EXPECT_DOUBLE_EQ(s.rate(0), 2);
  EXPECT_DOUBLE_EQ(s.rate(49), 2);
  EXPECT_DOUBLE_EQ(s.rate(50), 0.2);
  EXPECT_DOUBLE_EQ(s.rate(75), 0.02);
}

TEST(Schedule, ConstantStaysAfterItsRise) {
  const Schedule s{"constant", 3, 0.5, 4};
  EXPECT_DOUBLE_EQ(s.rate(0), 1.5);
  EXPECT_DOUBLE_EQ(s.rate(1), 3);
  EXPECT_DOUBLE_EQ(s.rate(3), 3);
}

TEST(Schedule, OneStepIsLegal) {
  for (const char* kind : {"one-cycle", "cosine", "step", "constant"}) {
    EXPECT_GT((Schedule{kind, 0.1, 0.25, 1}.rate(0)), 0) << kind;
  }
}

}  // namespace
}  // namespace sooner
