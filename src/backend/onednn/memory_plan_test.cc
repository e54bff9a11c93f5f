#include "backend/onednn/memory_plan.h"

#include <gtest/gtest.h>

#include "core/rng.h"

namespace sooner::onednn {
namespace {

TEST(MemoryPlan, AFreedPlaceIsUsedAgain) {
  // A chain of three: the third value takes the first one's place.
  const MemoryPlan plan = plan_memory({{0, 1, 64}, {1, 2, 64}, {2, 3, 64}});
  EXPECT_EQ(plan.bytes, 128U);
  EXPECT_EQ(plan.offsets[0], plan.offsets[2]);
  EXPECT_NE(plan.offsets[0], plan.offsets[1]);
}

TEST(MemoryPlan, NothingNeedsNothing) { EXPECT_EQ(plan_memory({}).bytes, 0U); }

TEST(MemoryPlan, ValuesAliveTogetherNeverOverlap) {
  Rng rng(4);
  for (int draw = 0; draw < 200; ++draw) {
    std::vector<Lifetime> values(1 + rng.below(12));
    for (Lifetime& value : values) {
      value.first_step = rng.below(10);
      value.last_step = value.first_step + rng.below(5);
      value.bytes = 1 + rng.below(500);
    }
    const MemoryPlan plan = plan_memory(values);
    for (size_t a = 0; a < values.size(); ++a) {
      EXPECT_EQ(plan.offsets[a] % 64, 0U);
      EXPECT_LE(plan.offsets[a] + values[a].bytes, plan.bytes);
      for (size_t b = 0; b < a; ++b) {
        if (values[a].first_step > values[b].last_step || values[b].first_step > values[a].last_step) continue;
        EXPECT_TRUE(plan.offsets[a] + values[a].bytes <= plan.offsets[b] ||
                    plan.offsets[b] + values[b].bytes <= plan.offsets[a]);
      }
    }
  }
}

}  // namespace
}  // namespace sooner::onednn
