#include "recipe/phase_plan.h"

#include <gtest/gtest.h>

namespace sooner {
namespace {

// Phases of 2, 3 and 1 epochs of 10 steps.
PhasePlan plan(bool second_own) {
  return {
      {{.name = "a", .epochs = 2}, {.name = "b", .epochs = 3, .own_schedule = second_own}, {.name = "c", .epochs = 1}},
      10};
}

TEST(PhasePlan, FindsThePhaseOfAnEpoch) {
  const PhasePlan p = plan(false);
  for (const auto& [epoch, index] : {std::pair<int64_t, size_t>{0, 0}, {1, 0}, {2, 1}, {4, 1}, {5, 2}, {6, 2}}) {
    EXPECT_EQ(p.index_of(epoch), index) << epoch;
  }
  EXPECT_EQ(p.first_epoch(0), 0);
  EXPECT_EQ(p.first_epoch(1), 2);
  EXPECT_EQ(p.first_epoch(2), 5);
}

TEST(PhasePlan, SaysWhereAStepStands) {
  const Moment at = plan(false).moment(3, 35);
  EXPECT_EQ(at.phase, 1U);
  EXPECT_EQ(at.epoch, 1);
  EXPECT_DOUBLE_EQ(at.progress, 0.5);  // 15 of 30 steps
  EXPECT_EQ(at.step, 35);
}

TEST(PhasePlan, NeighboursShareAScheduleUnlessOneHasItsOwn) {
  for (const size_t index : {0, 1, 2}) {
    EXPECT_EQ(plan(false).scheduled(index).first, 0);
    EXPECT_EQ(plan(false).scheduled(index).count, 60);
  }
  EXPECT_EQ(plan(true).scheduled(0).count, 20);
  EXPECT_EQ(plan(true).scheduled(1).first, 20);
  EXPECT_EQ(plan(true).scheduled(1).count, 30);
  EXPECT_EQ(plan(true).scheduled(2).first, 50);
  EXPECT_EQ(plan(true).scheduled(2).count, 10);
}

}  // namespace
}  // namespace sooner
