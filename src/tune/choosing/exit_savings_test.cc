#include "tune/choosing/exit_savings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tune/tables/random_table.h"

namespace sooner {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;

// Three exits at .2, .5, 1.1; a sample leaves where its gap is at least 1 (margin of two classes: tanh(gap / 2)).
TEST(ExitSavings, AreThoseWorkedByHand) {
  const LogitTable table = gap_table({{9, 9, 9},   // leaves at 0, would leave at 1: saves .3
                                      {9, 0, 9},   // leaves at 0, would go to the end: saves .9
                                      {0, 9, 9},   // leaves at 1, would go to the end: saves .6
                                      {0, 0, 9}},  // leaves at the end
                                     {0, 0, 0, 0}, {0.2, 0.5, 1.1});
  const PolicySpec policy{.name = "margin", .thresholds = Threshold::scores({0.5, 0.5})};
  EXPECT_THAT(exit_savings(table, policy), ElementsAre(DoubleNear(1.2 / 4, 1e-12), DoubleNear(0.6 / 2, 1e-12)));
}

TEST(ExitSavings, AreNothingWhereNobodyLeavesOrArrives) {
  const double never = std::numeric_limits<double>::infinity();
  const LogitTable table = random_logit_table(3, 50, 3, 4);
  EXPECT_EQ(exit_savings(table, {.name = "never"}), (std::vector<double>{0, 0}));
  const std::vector<double> first =
      exit_savings(table, {.name = "margin", .thresholds = Threshold::scores({-never, -never})});
  EXPECT_NEAR(first[0], table.exit_cost[1] - table.exit_cost[0], 1e-12);
  EXPECT_EQ(first[1], 0);
}

}  // namespace
}  // namespace sooner
