#include "eval/score_auroc.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tune/tables/random_table.h"

namespace sooner {
namespace {

TEST(ScoreAuroc, IsOfTheScoreThatThePolicyDecidesBy) {
  // Exit 0 answers class 0; gaps 3, 1 are right, 2 is wrong: of two pairs one is in order.
  LogitTable table = gap_table({{3, 1}, {2, 1}, {1, 1}}, {0, 1, 0}, {0.5, 1});
  EXPECT_DOUBLE_EQ(*score_aurocs(table, {.name = "max-prob"})[0], 0.5);
  // Gates that know: the wrong one's is the least.
  table.gates = {0.9F, 0.1F, 0.8F};
  const auto gates = score_aurocs(table, {.name = "gate"});
  EXPECT_DOUBLE_EQ(*gates[0], 1);
  EXPECT_FALSE(gates[1]) << "the last exit has no gate to judge by";
}

TEST(ScoreAuroc, IsThatOfThePolicysOwnAnswer) {
  // At exit 1 the vote is {2: 1, 1: 0}, and answers as exit 0 did; exits alone are wrong there.
  const LogitTable table = gap_table({{3, -1, 1}, {2, -1, 1}, {-1, 0.5F, 1}}, {0, 0, 0}, {0.3, 0.6, 1});
  const auto vote = score_aurocs(table, {.name = "vote"});
  ASSERT_TRUE(vote[1]);
  EXPECT_DOUBLE_EQ(*vote[1], 1) << "the third, voted wrong, scores least";
}

TEST(ScoreAuroc, IsNothingWhereThereIsNoneToTell) {
  const LogitTable table = gap_table({{3, 1}, {2, 1}}, {0, 0}, {0.5, 1});
  EXPECT_FALSE(score_aurocs(table, {.name = "max-prob"})[0]) << "all are right";
  EXPECT_FALSE(score_aurocs(table, {})[0]) << "never scores nobody";
}

}  // namespace
}  // namespace sooner
