#include "tune/choosing/accuracy_drop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <set>

#include "core/error.h"
#include "core/rng.h"
#include "tune/tables/random_table.h"

namespace sooner {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double last_accuracy(const ScoreTable& table) {
  const std::vector<double> nobody(static_cast<size_t>(table.exits - 1), kInfinity);
  return outcome(table, nobody).quality;
}

// Every combination of "threshold at one of the scores seen, or infinity".
Outcome brute_force(const ScoreTable& table, double drop) {
  const auto early = static_cast<size_t>(table.exits - 1);
  std::vector<std::vector<double>> candidates(early);
  for (size_t k = 0; k < early; ++k) {
    const std::set<double> scores(table.scores[k].begin(), table.scores[k].end());
    candidates[k].assign(scores.begin(), scores.end());
    candidates[k].push_back(kInfinity);
  }
  const double least = last_accuracy(table) - drop - 1e-9;
  Outcome best{.cost = kInfinity};
  std::vector<size_t> at(early, 0);
  while (true) {
    std::vector<double> thresholds;
    for (size_t k = 0; k < early; ++k) thresholds.push_back(candidates[k][at[k]]);
    const Outcome tried = outcome(table, thresholds);
    if (tried.quality >= least && tried.cost < best.cost - 1e-9) best = tried;
    size_t k = 0;
    while (k < early && ++at[k] == candidates[k].size()) at[k++] = 0;
    if (k == early) return best;
  }
}

struct Size {
  int64_t samples;
  int32_t exits;
  uint64_t levels;
  uint64_t tables;
};

class AccuracyDropAgainstBruteForce : public ::testing::TestWithParam<Size> {};

TEST_P(AccuracyDropAgainstBruteForce, FindsTheSameCost) {
  const Size size = GetParam();
  const double drops[] = {0, 0.1, 0.25};
  for (uint64_t seed = 0; seed < size.tables; ++seed) {
    const ScoreTable table = random_score_table(seed, size.samples, size.exits, size.levels);
    const double drop = drops[seed % 3];
    const ThresholdChoice choice = choose_by_accuracy_drop(table, drop);
    const Outcome expected = brute_force(table, drop);
    ASSERT_NEAR(choice.expected.cost, expected.cost, 1e-9) << "seed " << seed;
    EXPECT_GE(choice.expected.quality, last_accuracy(table) - drop - 1e-9) << "seed " << seed;
    EXPECT_EQ(choice.optimality_gap, 0) << "seed " << seed;
    const Outcome again = outcome(table, choice.thresholds);
    EXPECT_EQ(again.cost, choice.expected.cost);
    EXPECT_EQ(again.quality, choice.expected.quality);
  }
}

INSTANTIATE_TEST_SUITE_P(All, AccuracyDropAgainstBruteForce,
                         ::testing::Values(Size{30, 2, 1000, 50}, Size{12, 3, 1000, 50}, Size{20, 3, 4, 30},
                                           Size{8, 4, 1000, 50}, Size{20, 4, 4, 50}, Size{6, 5, 1000, 20},
                                           Size{15, 5, 3, 40}, Size{12, 6, 2, 20}));

// The same tables with heads that are not paid where nobody leaves by them.
ScoreTable with_heads(ScoreTable table, uint64_t seed) {
  Rng rng{seed, 0x4eadU};
  double before = 0;
  for (const double cost : table.exit_cost) {
    table.head_cost.push_back(rng.uniform(0, cost - before));
    before = cost;
  }
  return table;
}

TEST_P(AccuracyDropAgainstBruteForce, FindsTheSameCostWhereHeadsAreSkipped) {
  const Size size = GetParam();
  int dropped = 0;
  for (uint64_t seed = 0; seed < size.tables; ++seed) {
    const ScoreTable table = with_heads(random_score_table(seed, size.samples, size.exits, size.levels), seed);
    const double drop = std::array{0.0, 0.1, 0.25}[seed % 3];
    const ThresholdChoice choice = choose_by_accuracy_drop(table, drop);
    const Outcome expected = brute_force(table, drop);
    EXPECT_GE(choice.expected.quality, last_accuracy(table) - drop - 1e-9) << "seed " << seed;
    EXPECT_EQ(outcome(table, choice.thresholds).cost, choice.expected.cost);
    EXPECT_LE(choice.expected.cost - choice.optimality_gap, expected.cost + 1e-9) << "seed " << seed;
    if (size.exits <= 5) {
      ASSERT_NEAR(choice.expected.cost, expected.cost, 1e-9) << "seed " << seed;
      EXPECT_EQ(choice.optimality_gap, 0) << "seed " << seed;
    }
    const ThresholdChoice paying =
        choose_by_accuracy_drop(random_score_table(seed, size.samples, size.exits, size.levels), drop);
    EXPECT_LE(choice.expected.cost, outcome(table, paying.thresholds).cost + 1e-9) << "seed " << seed;
    dropped += std::ranges::count(choice.thresholds, kInfinity) > std::ranges::count(paying.thresholds, kInfinity);
  }
  EXPECT_GT(dropped, 0) << "no exit was dropped for its head's sake";
}

// By the first exit one of four may leave for .5 of 1; its head is .3, which the three others would pay: 4 * 1 - .5 =
// 3.5 against 4 * (1 - .3) = 2.8 without it.
TEST(AccuracyDrop, DropsAnExitWhoseHeadCostsMoreThanItSaves) {
  ScoreTable table{.samples = 4,
                   .exits = 2,
                   .scores = {{4, 3, 2, 1}, {0, 0, 0, 0}},
                   .quality = {{1, 0, 0, 0}, {1, 1, 1, 1}},
                   .exit_cost = {0.5, 1},
                   .head_cost = {0.3, 0}};
  EXPECT_THAT(choose_by_accuracy_drop(table, 0).thresholds, ElementsAre(kInfinity));
  EXPECT_DOUBLE_EQ(choose_by_accuracy_drop(table, 0).expected.cost, 0.7);
  EXPECT_EQ(choose_by_accuracy_drop(table, 0).optimality_gap, 0);
  table.head_cost[0] = 0.1;  // 3.5 against 3.6
  EXPECT_THAT(choose_by_accuracy_drop(table, 0).thresholds, ElementsAre(3.5));
  EXPECT_DOUBLE_EQ(choose_by_accuracy_drop(table, 0).expected.cost, 0.875);
}

TEST(AccuracyDrop, MatchesATableWorkedByHand) {
  // Sorted by score the first exit is right, right, wrong (where the last is right), right; cost .2 against 1.
  const ScoreTable table{.samples = 4,
                         .exits = 2,
                         .scores = {{4, 3, 2, 1}, {0, 0, 0, 0}},
                         .quality = {{1, 1, 0, 1}, {1, 1, 1, 0}},
                         .exit_cost = {0.2, 1}};
  // No loss: leaving all costs one answer at the third and wins one at the fourth, so everybody may leave.
  const ThresholdChoice none = choose_by_accuracy_drop(table, 0);
  EXPECT_DOUBLE_EQ(none.expected.cost, 0.2);
  EXPECT_DOUBLE_EQ(none.thresholds[0], 1);
  // Without the lucky fourth only two may leave; a quarter of the answers buys the rest.
  ScoreTable unlucky = table;
  unlucky.quality[0][3] = 0;
  EXPECT_DOUBLE_EQ(choose_by_accuracy_drop(unlucky, 0).expected.cost, 0.6);
  EXPECT_DOUBLE_EQ(choose_by_accuracy_drop(unlucky, 0).thresholds[0], 2.5) << "midway between 3 and 2";
  EXPECT_DOUBLE_EQ(choose_by_accuracy_drop(unlucky, 0.25).expected.cost, 0.2);
  EXPECT_DOUBLE_EQ(choose_by_accuracy_drop(unlucky, 0.2499).expected.cost, 0.6);
}

TEST(AccuracyDrop, OfOneExitChoosesNothing) {
  const ScoreTable table = random_score_table(1, 10, 1, 5);
  const ThresholdChoice choice = choose_by_accuracy_drop(table, 0.1);
  EXPECT_TRUE(choice.thresholds.empty());
  EXPECT_DOUBLE_EQ(choice.expected.cost, table.exit_cost[0]);
  EXPECT_EQ(choice.optimality_gap, 0);
}

TEST(AccuracyDrop, TakesTiedScoresTogether) {
  for (int32_t exits = 2; exits <= 5; ++exits) {
    const ScoreTable table = random_score_table(9, 50, exits, 1);
    const ThresholdChoice choice = choose_by_accuracy_drop(table, 0.05);
    for (const double share : choice.expected.shares) EXPECT_TRUE(share == 0 || share == 1) << share;
  }
}

TEST(AccuracyDrop, OfOneHundredPercentSendsEverybodyOutAtOnce) {
  const ThresholdChoice choice = choose_by_accuracy_drop(random_score_table(2, 60, 5, 1000), 1);
  EXPECT_DOUBLE_EQ(choice.expected.shares[0], 1);
}

TEST(AccuracyDrop, SendsNobodyOutWhenEarlyExitsAreAlwaysWrong) {
  ScoreTable table = random_score_table(3, 60, 4, 1000);
  for (size_t k = 0; k < 4; ++k) std::fill(table.quality[k].begin(), table.quality[k].end(), k == 3 ? 1 : 0);
  const ThresholdChoice choice = choose_by_accuracy_drop(table, 0);
  EXPECT_DOUBLE_EQ(choice.expected.shares[3], 1);
  EXPECT_THAT(choice.thresholds, Each(kInfinity));
}

TEST(AccuracyDrop, ReportsAGapThatHoldsWhenTheProofIsCutShort) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const ScoreTable table = random_score_table(seed, 120, 5, 1000);
    const ThresholdChoice proven = choose_by_accuracy_drop(table, 0.05);
    const ThresholdChoice hasty = choose_by_accuracy_drop(table, 0.05, {.most_steps = 0});
    ASSERT_EQ(proven.optimality_gap, 0);
    EXPECT_GE(hasty.expected.quality, last_accuracy(table) - 0.05 - 1e-9);
    EXPECT_GE(hasty.expected.cost, proven.expected.cost - 1e-9);
    EXPECT_GE(proven.expected.cost, hasty.expected.cost - hasty.optimality_gap - 1e-9);
  }
}

// Exit 1 loses sample 0's answer, exit 2 wins sample 1's but is as dear as the last one, exit 0 would lose two answers
// at once: only exits 1 and 2 together save something, sample 0's half. No proof: pairs of exits alone find it.
TEST(AccuracyDrop, TriesEveryPairOfExits) {
  const auto none = static_cast<float>(kNoScore);
  const ScoreTable table{.samples = 4,
                         .exits = 4,
                         .scores = {{none, none, 1, 1}, {1, none, none, none}, {none, 1, none, none}, {0, 0, 0, 0}},
                         .quality = {{1, 0, 0, 0}, {0, 0, 1, 1}, {1, 1, 1, 1}, {1, 0, 1, 1}},
                         .exit_cost = {0.25, 0.5, 1, 1}};
  const ThresholdChoice choice = choose_by_accuracy_drop(table, 0, {.most_steps = 0});
  EXPECT_DOUBLE_EQ(choice.expected.cost, (0.5 + 3) / 4);
  EXPECT_THAT(choice.thresholds, ElementsAre(kInfinity, 1, 1));
}

TEST(AccuracyDrop, ChoosesTheSameEveryTime) {
  const ScoreTable table = random_score_table(11, 200, 5, 1000);
  const AccuracyDropOptions few{.most_steps = 20'000};
  EXPECT_EQ(choose_by_accuracy_drop(table, 0.02, few).thresholds, choose_by_accuracy_drop(table, 0.02, few).thresholds);
}

TEST(AccuracyDrop, OfLessThanNothingIsRefused) {
  const ScoreTable table = random_score_table(1, 10, 2, 5);
  for (const double drop : {-0.01, std::nan(""), HUGE_VAL}) EXPECT_THROW(choose_by_accuracy_drop(table, drop), Error);
  EXPECT_THROW(choose_by_accuracy_drop(ScoreTable{.exits = 1, .exit_cost = {1}}, 0), Error);
}

// Three samples, nobody of which exit 0 can judge; exit 1 errs by 1, 3 and 8, the last exit by 2, 1 and 2. In the order
// of scores: letting the surest go gains 1, two go loses 2 - 1 = 1, three 1 + 6 = 7.
TEST(AccuracyDrop, OfANumberIsARiseOfTheMeanError) {
  const auto none = static_cast<float>(kNoScore);
  const ScoreTable table{.samples = 3,
                         .exits = 3,
                         .scores = {{none, none, none}, {-0.5F, -1, -2}, {0, 0, 0}},
                         .quality = {{-9, -9, -9}, {-1, -3, -8}, {-2, -1, -2}},
                         .exit_cost = {0.25, 0.5, 1}};
  const auto chosen = [&](double rise) { return choose_by_accuracy_drop(table, rise); };
  EXPECT_THAT(chosen(0).thresholds, ElementsAre(HUGE_VAL, -0.75));
  EXPECT_DOUBLE_EQ(chosen(0).expected.quality, -4.0 / 3);
  EXPECT_THAT(chosen(1.0 / 3).thresholds, ElementsAre(HUGE_VAL, -1.5));
  EXPECT_THAT(chosen(0.3333).thresholds, ElementsAre(HUGE_VAL, -0.75));
  EXPECT_THAT(chosen(7.0 / 3).thresholds, ElementsAre(HUGE_VAL, -2));
  EXPECT_DOUBLE_EQ(chosen(7.0 / 3).expected.cost, 0.5);
  EXPECT_EQ(chosen(7.0 / 3).optimality_gap, 0);
}

// Of two early exits and errors of any size: never more than was allowed, and no cheaper choice among all that exist.
TEST(AccuracyDrop, OfNumbersIsKeptAndTheCheapest) {
  for (const uint64_t seed : {1U, 2U, 3U}) {
    ScoreTable table = random_score_table(seed, 24, 3, 6);
    Rng rng(seed + 10);
    for (std::vector<float>& quality : table.quality) {
      for (float& each : quality) each = static_cast<float>(-1000 * std::abs(rng.normal()));
    }
    const double last = outcome(table, std::vector{HUGE_VAL, HUGE_VAL}).quality;
    for (const double rise : {0.0, 20.0, 100.0, 400.0}) {
      const ThresholdChoice choice = choose_by_accuracy_drop(table, rise);
      EXPECT_GE(choice.expected.quality, last - rise - 1e-9);
      for (int i = -1; i < 6; ++i) {
        for (int j = -1; j < 6; ++j) {
          const std::vector<double> other{i < 0 ? HUGE_VAL : i, j < 0 ? HUGE_VAL : j};
          const Outcome expected = outcome(table, other);
          // A hair within, since gains are rounded to the safe side.
          if (expected.quality < last - rise + 1e-4) continue;
          EXPECT_LE(choice.expected.cost, expected.cost + 1e-9) << seed << " " << rise << " " << i << " " << j;
        }
      }
    }
  }
}

}  // namespace
}  // namespace sooner
