#include "tune/tables/score_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "core/error.h"
#include "tune/tables/random_table.h"

namespace sooner {
namespace {

using ::testing::ElementsAre;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Two exits, scores at the first: 4 3 3 1.
ScoreTable small() {
  return {.samples = 4,
          .exits = 2,
          .scores = {{4, 3, 3, 1}, {0, 0, 0, 0}},
          .quality = {{1, 0, 1, 0}, {1, 1, 0, 1}},
          .exit_cost = {0.5, 1}};
}

TEST(ScoreTable, HoldsScoresAndRights) {
  const LogitTable logits = gap_table({{3, 4}, {-2, 5}}, {0, 0}, {0.25, 1.0});
  const ScoreTable table = score_table(logits, {.name = "max-prob", .temperatures = {2, 1}});
  EXPECT_THAT(table.scores[0], ElementsAre(1.5F, 1.0F));
  EXPECT_THAT(table.scores[1], ElementsAre(4.0F, 5.0F));
  EXPECT_THAT(table.quality[0], ElementsAre(1, 0));
  EXPECT_THAT(table.quality[1], ElementsAre(1, 1));
  EXPECT_THAT(table.exit_cost, ElementsAre(0.25, 1.0));
}

TEST(ScoreTable, OfPoliciesWithoutThresholdsIsRefused) {
  EXPECT_THROW(score_table(random_logit_table(1, 4, 2, 2), {.name = "never"}), Error);
  EXPECT_THROW(score_table(LogitTable{}, {.name = "entropy"}), Error);
}

TEST(Outcome, MatchesATableWorkedByHand) {
  const Outcome at_three = outcome(small(), std::vector<double>{3});
  EXPECT_DOUBLE_EQ(at_three.quality, 3.0 / 4);
  EXPECT_DOUBLE_EQ(at_three.cost, (0.5 * 3 + 1) / 4);
  EXPECT_THAT(at_three.shares, ElementsAre(0.75, 0.25));
  EXPECT_THAT(exits_taken(small(), std::vector<double>{3.5}), ElementsAre(0, 1, 1, 1));
  EXPECT_DOUBLE_EQ(outcome(small(), std::vector<double>{kInfinity}).cost, 1);
  EXPECT_DOUBLE_EQ(outcome(small(), std::vector<double>{-kInfinity}).cost, 0.5);
}

TEST(Outcome, DoesNotPayForHeadsThatNobodyLeavesBy) {
  ScoreTable table = small();
  table.head_cost = {0.125, 0};
  EXPECT_DOUBLE_EQ(outcome(table, std::vector<double>{kInfinity}).cost, 0.875);
  EXPECT_DOUBLE_EQ(outcome(table, std::vector<double>{5}).cost, 1) << "nobody leaves, but somebody might";
}

TEST(ScoreTable, SaysWhichHeadsMayBeSkipped) {
  LogitTable logits = random_logit_table(6, 30, 3, 4);
  EXPECT_TRUE(score_table(logits, {.name = "margin"}).head_cost.empty());
  logits.head_cost = {0.125, 0.25, 0.0625};
  for (const std::string name : {"entropy", "max-prob", "margin", "gate"}) {
    EXPECT_THAT(score_table(logits, {.name = name}).head_cost, ElementsAre(0.125, 0.25, 0)) << name;
  }
  for (const std::string name : {"confidence", "patience", "vote", "ensemble"}) {
    EXPECT_THAT(score_table(logits, {.name = name}).head_cost, ElementsAre(0, 0, 0)) << name;
  }
  PolicySpec wrapped{.name = "margin"};
  wrapped.wrappers.cap = 1;
  EXPECT_THAT(score_table(logits, wrapped).head_cost, ElementsAre(0.125, 0, 0));
  wrapped.wrappers.surest_so_far = true;
  EXPECT_THAT(score_table(logits, wrapped).head_cost, ElementsAre(0, 0, 0));
  wrapped = {.name = "margin"};
  wrapped.wrappers.deadline_seconds = 1;
  EXPECT_THAT(score_table(logits, wrapped).head_cost, ElementsAre(0, 0, 0));
}

TEST(Outcome, EqualsAReplayOfTheSameThresholds) {
  LogitTable logits = random_logit_table(6, 300, 4, 6);
  logits.head_cost = {0.125, 0.0625, 0.03125, 0.25};
  const std::vector<std::vector<double>> choices = {{0.9, 0.5, 0.3}, {kInfinity, 0.4, -kInfinity}, {0.2, 0.2, 0.2}};
  for (const std::string name :
       {"entropy", "max-prob", "margin", "gate", "confidence", "patience", "vote", "ensemble"}) {
    const ScoreTable table = score_table(logits, {.name = name});
    for (const std::vector<double>& thresholds : choices) {
      const Replay replayed = replay(
          logits, *make_policy({.name = name, .thresholds = Threshold::scores(thresholds)}, policy_context(logits)));
      const Outcome expected = outcome(table, thresholds);
      EXPECT_EQ(exits_taken(table, thresholds), replayed.exit_index) << name;
      EXPECT_DOUBLE_EQ(expected.quality, replayed.quality) << name;
      EXPECT_DOUBLE_EQ(expected.cost, replayed.cost) << name;
      EXPECT_EQ(expected.shares, replayed.shares) << name;
    }
  }
}

TEST(Centred, PutsThresholdsInTheMiddleOfTheGap) {
  EXPECT_THAT(centred(small(), std::vector<double>{3}), ElementsAre(2));
  EXPECT_THAT(centred(small(), std::vector<double>{3.9}), ElementsAre(3.5));
  EXPECT_THAT(centred(small(), std::vector<double>{5}), ElementsAre(kInfinity)) << "nobody leaves";
  EXPECT_THAT(centred(small(), std::vector<double>{-kInfinity}), ElementsAre(1)) << "nobody stays: least score seen";
}

TEST(Centred, LooksOnlyAtSamplesThatArrive) {
  // Sample 0 leaves at exit 0; at exit 1 its score 10 says nothing about the gap between 8 and 2.
  const ScoreTable table{.samples = 3,
                         .exits = 3,
                         .scores = {{9, 1, 2}, {10, 8, 2}, {0, 0, 0}},
                         .quality = {{1, 1, 1}, {1, 1, 1}, {1, 1, 1}},
                         .exit_cost = {0.2, 0.5, 1}};
  EXPECT_THAT(centred(table, std::vector<double>{9, 3}), ElementsAre(5.5, 5));
}

TEST(Centred, ChangesNoDecision) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const ScoreTable table = random_score_table(seed, 40, 4, seed % 2 == 0 ? 7 : 1000);
    Rng rng(seed);
    std::vector<double> thresholds;
    for (int k = 0; k < 3; ++k) thresholds.push_back(table.scores[static_cast<size_t>(k)][rng.below(40)]);
    EXPECT_EQ(exits_taken(table, thresholds), exits_taken(table, centred(table, thresholds))) << seed;
  }
}

}  // namespace
}  // namespace sooner
