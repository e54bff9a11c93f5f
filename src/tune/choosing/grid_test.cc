#include "tune/choosing/grid.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/error.h"
#include "tune/tables/random_table.h"

namespace sooner {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(Grid, OfEntropyIsBranchyNetsList) {
  const ScoreTable table = random_score_table(1, 50, 3, 100);
  const auto grid = grid_values(table, "entropy", 10);
  ASSERT_THAT(grid, SizeIs(2));
  EXPECT_THAT(grid, Each(SizeIs(18)));
  EXPECT_EQ(grid[0].front(), kInfinity);
  EXPECT_DOUBLE_EQ(grid[1][13], 1 - 1 / std::log(10.0)) << "1 nat";
}

TEST(Grid, OfOtherScoresIsQuantiles) {
  // 34 scores, 34 to 1: after every second of the surest comes a value; the last is the least of all.
  ScoreTable table{.samples = 34, .exits = 2, .scores = {{}, std::vector<float>(34)}, .exit_cost = {0.5, 1}};
  for (int n = 0; n < 34; ++n) table.scores[0].push_back(static_cast<float>(34 - n));
  const auto grid = grid_values(table, "max-prob", 10);
  ASSERT_THAT(grid[0], SizeIs(18));
  EXPECT_DOUBLE_EQ(grid[0][1], 32);
  EXPECT_DOUBLE_EQ(grid[0][16], 2);
  EXPECT_DOUBLE_EQ(grid[0][17], 1);
  // Where that is too many, some of them: 16 combinations of two exits are 4 values each, nobody among them.
  table.exits = 3;
  table.scores.insert(table.scores.begin(), table.scores[0]);
  table.exit_cost = {0.2, 0.5, 1};
  EXPECT_THAT(grid_values(table, "max-prob", 10, 16), Each(ElementsAre(kInfinity, 24, 12, 1)));
  const ScoreTable many = random_score_table(2, 100, 7, 1000);
  int64_t combinations = 1;
  for (const auto& values : grid_values(many, "max-prob", 10, 5000)) {
    combinations *= static_cast<int64_t>(values.size());
  }
  EXPECT_LE(combinations, 5000);
  EXPECT_GE(combinations, 4 * 4 * 4 * 4 * 4 * 4);
}

TEST(GridFront, MatchesATableWorkedByHand) {
  // Nobody leaves: 3/4 at 1. Two leave: 4/4 at .6. All leave: 2/4 at .2. So nobody leaving is beaten.
  const ScoreTable table{.samples = 4,
                         .exits = 2,
                         .scores = {{4, 4, 1, 1}, {0, 0, 0, 0}},
                         .quality = {{1, 1, 0, 0}, {1, 0, 1, 1}},
                         .exit_cost = {0.2, 1}};
  const std::vector<ThresholdChoice> front = grid_front(table, "max-prob", 2);
  ASSERT_THAT(front, SizeIs(2));
  EXPECT_DOUBLE_EQ(front[0].expected.cost, 0.2);
  EXPECT_THAT(front[0].thresholds, ElementsAre(1));
  EXPECT_DOUBLE_EQ(front[1].expected.cost, 0.6);
  EXPECT_DOUBLE_EQ(front[1].expected.quality, 1);
  EXPECT_THAT(front[1].thresholds, ElementsAre(4));
  EXPECT_THROW(grid_front({.exits = 1, .exit_cost = {1}}, "max-prob", 2), Error);
}

TEST(GridFront, OfOneExitIsThatExit) {
  const ScoreTable table = random_score_table(3, 10, 1, 4);
  EXPECT_THAT(grid_front(table, "max-prob", 2), SizeIs(1));
}

}  // namespace
}  // namespace sooner
