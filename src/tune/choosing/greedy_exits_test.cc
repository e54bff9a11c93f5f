#include "tune/choosing/greedy_exits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/error_of.h"
#include "tune/tables/exit_subset.h"
#include "tune/tables/random_table.h"

namespace sooner {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Ten samples of class 0. Exit 0 is sure and right on two of them and costs .1; exit 1 on eight, of the same cost; exit
// 2 on the same eight but later. The last exit is right on all.
LogitTable three_candidates(double head) {
  std::vector<std::vector<float>> gaps;
  for (int n = 0; n < 10; ++n) {
    const float first = n < 2 ? 5 : -1;
    const float later = n < 8 ? 5 : -1;
    gaps.push_back({first, later, later, 6});
  }
  LogitTable table =
      gap_table(gaps, std::vector<int32_t>(10, 0), {0.1 + head, 0.2 + 2 * head, 0.6 + 3 * head, 1 + 3 * head});
  table.head_cost = {head, head, head, 0};
  return table;
}

TEST(KeepExits, TakesTheOthersHeadsOff) {
  const LogitTable table = three_candidates(0.05);
  const LogitTable kept = keep_exits(table, std::vector<size_t>{1});
  EXPECT_EQ(kept.exits, 2);
  EXPECT_NEAR(kept.exit_cost[0], 0.25, 1e-12);
  EXPECT_NEAR(kept.exit_cost[1], 1.05, 1e-12);
  EXPECT_EQ(kept.at(3, 0)[0], 5);
  EXPECT_EQ(kept.at(3, 1)[0], 6);
  EXPECT_NO_THROW(validate(kept));
  EXPECT_NEAR(keep_exits(table, {}).exit_cost[0], 1, 1e-12);
}

TEST(KeepExits, RefusesWhatIsNotThere) {
  const LogitTable table = three_candidates(0.05);
  const auto what = [&](std::vector<size_t> kept) {
    return std::string(error_of([&] { keep_exits(table, kept); }).what());
  };
  EXPECT_THAT(what({3}), HasSubstr("got exit 3 to keep at place 0, expected early exits (0 to 2), rising"));
  EXPECT_THAT(what({1, 1}), HasSubstr("got exit 1 to keep at place 1"));
  LogitTable unknown = table;
  unknown.head_cost.clear();
  EXPECT_THAT(std::string(error_of([&] { keep_exits(unknown, {}); }).what()), HasSubstr("does not say what its heads"));
}

TEST(ChooseExits, TakesTheOneThatSavesMostFirst) {
  // With exit 1 alone, eight leave at .2 + head. Exit 0 beside it sends two off at .1 + head instead of .2 + 2 head,
  // and costs the eight others a head: .02 + 2 head saved ... 10 head spent.
  const GreedyChoice free = choose_exits(three_candidates(0.001), {.policy = "margin"});
  EXPECT_THAT(free.exits(), ElementsAre(0, 1));
  EXPECT_EQ(free.steps[0].exit, 1U);
  EXPECT_NEAR(free.cost_without, 1, 1e-12);
  EXPECT_NEAR(free.steps[0].cost, 0.8 * 0.201 + 0.2 * 1.001, 1e-9);
  EXPECT_NEAR(free.steps[1].cost, 0.2 * 0.101 + 0.6 * 0.202 + 0.2 * 1.002, 1e-9);
  EXPECT_EQ(free.steps[1].quality, 1);
  EXPECT_THAT(choose_exits(three_candidates(0.05), {.policy = "margin"}).exits(), ElementsAre(1));
  EXPECT_THAT(choose_exits(three_candidates(0.001), {.policy = "margin", .most = 1}).exits(), ElementsAre(1));
}

TEST(ChooseExits, TakesNoneThatDoesNotPay) {
  EXPECT_THAT(choose_exits(three_candidates(2), {.policy = "margin"}).exits(), IsEmpty());
}

TEST(ChooseExits, RefusesPoliciesWithoutThresholds) {
  EXPECT_THAT(std::string(error_of([] { choose_exits(three_candidates(0.1), {.policy = "never"}); }).what()),
              HasSubstr("policy 'never' has no thresholds"));
}

}  // namespace
}  // namespace sooner
