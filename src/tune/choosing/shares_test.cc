#include "tune/choosing/shares.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/error.h"
#include "support/message_of.h"
#include "tune/choosing/budget.h"
#include "tune/tables/random_table.h"

namespace sooner {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Ten samples, distinct scores 10 … 1 at the first exit and 1 … 10 at the second.
ScoreTable ten() {
  ScoreTable table{.samples = 10, .exits = 3, .exit_cost = {0.2, 0.5, 1}};
  table.scores.resize(3);
  for (int n = 0; n < 10; ++n) {
    table.scores[0].push_back(static_cast<float>(10 - n));
    table.scores[1].push_back(static_cast<float>(n + 1));
    table.scores[2].push_back(0);
  }
  table.quality.assign(3, std::vector<float>(10, 1));
  return table;
}

TEST(Shares, AreRealisedByQuantiles) {
  const ThresholdChoice choice = choose_by_shares(ten(), std::vector<double>{0.3, 0.5, 0.2});
  EXPECT_THAT(choice.expected.shares, ElementsAre(0.3, 0.5, 0.2));
  // Exit 0 keeps scores 7 and less; at exit 1 samples 3 … 9 have scores 4 … 10 and five of them leave.
  EXPECT_THAT(choice.thresholds, ElementsAre(7.5, 5.5));
}

TEST(Shares, OfZeroSendNobody) {
  const ThresholdChoice choice = choose_by_shares(ten(), std::vector<double>{0, 0.4, 0.6});
  EXPECT_THAT(choice.thresholds, ElementsAre(kInfinity, 6.5));
  EXPECT_THAT(choice.expected.shares, ElementsAre(0, 0.4, 0.6));
}

TEST(Shares, OfOneSendEverybody) {
  const ThresholdChoice choice = choose_by_shares(ten(), std::vector<double>{1, 0, 0});
  EXPECT_THAT(choice.expected.shares, ElementsAre(1, 0, 0));
}

TEST(Shares, RoundOverTheExitsSoFar) {
  // 3.33 and 6.67 samples: 3 at the first exit, 7 after the second.
  const ThresholdChoice choice = choose_by_shares(ten(), std::vector<double>{1.0 / 3, 1.0 / 3, 1.0 / 3});
  EXPECT_THAT(choice.expected.shares,
              ElementsAre(DoubleNear(0.3, 1e-12), DoubleNear(0.4, 1e-12), DoubleNear(0.3, 1e-12)));
}

TEST(Shares, TakeTheNearerSideOfATie) {
  ScoreTable table = ten();
  table.exits = 2;
  table.exit_cost = {0.5, 1};
  table.scores = {{9, 5, 5, 5, 5, 1, 1, 1, 1, 1}, std::vector<float>(10, 0)};
  const auto share = [&](double wanted) {
    return choose_by_shares(table, std::vector<double>{wanted, 1 - wanted}).expected.shares[0];
  };
  EXPECT_DOUBLE_EQ(share(0.1), 0.1);
  EXPECT_DOUBLE_EQ(share(0.2), 0.1);
  EXPECT_DOUBLE_EQ(share(0.4), 0.5);
  EXPECT_DOUBLE_EQ(share(0.5), 0.5);
  EXPECT_DOUBLE_EQ(share(0.7), 0.5);
  EXPECT_DOUBLE_EQ(share(0.9), 1.0);
}

TEST(Shares, OfWholeTiesGoAllOrNothing) {
  ScoreTable table = ten();
  table.scores[0].assign(10, 4);
  table.scores[1].assign(10, 4);
  EXPECT_THAT(choose_by_shares(table, std::vector<double>{0.4, 0.4, 0.2}).expected.shares, ElementsAre(0, 1, 0));
  EXPECT_THAT(choose_by_shares(table, std::vector<double>{0.6, 0.2, 0.2}).expected.shares, ElementsAre(1, 0, 0));
}

TEST(Shares, ThatMakeNoSenseAreRefused) {
  using Shares = std::vector<double>;
  for (const Shares& shares : {Shares{0.5, 0.5}, Shares{0.5, 0.5, 0.5}, Shares{-0.1, 0.6, 0.5},
                               Shares{std::nan(""), 0.5, 0.5}, Shares{1.5, 0, -0.5}, Shares{}}) {
    EXPECT_THROW(choose_by_shares(ten(), shares), Error);
  }
}

TEST(GeometricShares, MatchNumbersWorkedByHand) {
  EXPECT_THAT(geometric_shares(0.5, 3),
              ElementsAre(DoubleNear(4.0 / 7, 1e-15), DoubleNear(2.0 / 7, 1e-15), DoubleNear(1.0 / 7, 1e-15)));
  EXPECT_THAT(geometric_shares(2, 2), ElementsAre(DoubleNear(1.0 / 3, 1e-15), DoubleNear(2.0 / 3, 1e-15)));
  EXPECT_THAT(geometric_shares(1, 4), ElementsAre(0.25, 0.25, 0.25, 0.25));
  EXPECT_THAT(geometric_shares(7, 1), ElementsAre(1));
  EXPECT_NEAR(geometric_shares(1e300, 5)[4], 1, 1e-12);
}

TEST(ThresholdsAtRanks, AreScoresOfTheSamplesAtTheRank) {
  // floor(10 * 4/7) = 5: the fifth score is 6. Left: samples 5 … 9 with scores 6 … 10; floor(10 * 2/7) = 2: 9.
  EXPECT_THAT(thresholds_at_ranks(ten(), geometric_shares(0.5, 3)), ElementsAre(6, 9));
  EXPECT_THAT(thresholds_at_ranks(ten(), std::vector<double>{0.09, 0.1, 0.81}), ElementsAre(kInfinity, 10));
}

TEST(Budget, SearchesMsdnetsRatios) {
  const std::vector<double> ratios = budget_ratios();
  ASSERT_EQ(ratios.size(), 39U);
  EXPECT_DOUBLE_EQ(ratios.front(), 0.05);
  EXPECT_DOUBLE_EQ(ratios.back(), 1.95);
}

TEST(Budget, IsKeptAndUsedBestAmongAllRatios) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    const ScoreTable table = random_score_table(seed, 200, 4, seed % 2 == 0 ? 1000 : 6);
    const double budget = table.exit_cost[0] + 0.4 * (table.exit_cost[3] - table.exit_cost[0]);
    const ThresholdChoice choice = choose_by_budget(table, budget);
    EXPECT_LE(choice.expected.cost, budget + 1e-12);
    for (const double q : budget_ratios()) {
      const Outcome other = outcome(table, thresholds_at_ranks(table, geometric_shares(q, 4)));
      if (other.cost > budget) continue;
      EXPECT_GE(choice.expected.quality, other.quality) << "seed " << seed << " q " << q;
    }
  }
}

TEST(Budget, ThatHardlyMoreThanTheFirstExitNeedsIsKept) {
  const ScoreTable table = random_score_table(3, 2000, 2, 100'000);
  const double budget = table.exit_cost[0] + 0.01 * (table.exit_cost[1] - table.exit_cost[0]);
  const ThresholdChoice choice = choose_by_budget(table, budget);
  EXPECT_LE(choice.expected.cost, budget + 1e-12);
  EXPECT_GT(choice.expected.shares[0], 0.99);
  EXPECT_LT(choice.expected.shares[0], 1);
}

TEST(Budget, PrefersTheCheaperOfEquallyAccurateChoices) {
  // Everything is right everywhere, so the cheapest choice wins whatever the budget: everybody at the first exit.
  const ThresholdChoice choice = choose_by_budget(ten(), 10);
  EXPECT_EQ(choice.expected.shares[0], 1);
  EXPECT_DOUBLE_EQ(choice.expected.cost, ten().exit_cost[0]);
  EXPECT_EQ(choose_by_budget(ten(), choice.expected.cost).thresholds, choice.thresholds);
}

TEST(Budget, BelowTheCheapestChoiceIsRefusedWithItsCost) {
  try {
    choose_by_budget(ten(), 0.1);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("below the cheapest choice, 0.2"));
  }
  for (const double budget : {0.0, -1.0, std::nan(""), kInfinity}) {
    EXPECT_THAT(message_of(Code::kInvalidArgument, [&] { choose_by_budget(ten(), budget); }),
                ::testing::HasSubstr("expected a positive fraction"));
  }
}

}  // namespace
}  // namespace sooner
