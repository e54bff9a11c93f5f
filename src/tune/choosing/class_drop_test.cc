#include "tune/choosing/class_drop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "core/error.h"
#include "tune/calibrate.h"
#include "tune/tables/random_table.h"

namespace sooner {
namespace {

using ::testing::ElementsAre;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(ClassDrop, MatchesATableWorkedByHand) {
  // Answered 0, surest first: right, right, lost, right. Answered 1: lost, won. Nobody is answered 2.
  const ScoreTable table{.samples = 6,
                         .exits = 2,
                         .scores = {{9, 8, 6, 5, 7, 3}, {0, 0, 0, 0, 0, 0}},
                         .quality = {{1, 1, 0, 1, 0, 1}, {1, 1, 1, 1, 1, 0}},
                         .exit_cost = {0.5, 1},
                         .answers = {{0, 0, 0, 0, 1, 1}, {0, 0, 0, 0, 1, 1}}};
  EXPECT_THAT(choose_by_class_drop(table, 3, 0)[0], ElementsAre(7, 3, kInfinity)) << "class 1 wins back what it lost";
  EXPECT_THAT(choose_by_class_drop(table, 3, 0.25)[0], ElementsAre(5, 3, kInfinity)) << "one of four";
  EXPECT_THAT(choose_by_class_drop(table, 3, 0.24)[0], ElementsAre(7, 3, kInfinity));
  EXPECT_THROW(choose_by_class_drop(table, 3, 1.5), Error);
}

TEST(ClassDrop, LosesNoMoreOverAllSamplesAndInTheRecordAsInAReplay) {
  for (const std::string name : {"max-prob", "vote", "ensemble"}) {
    const LogitTable table = random_logit_table(51, 800, 4, 5);
    const CalibrationRule rule{.kind = CalibrationRule::Kind::kClassDrop, .value = 0.02};
    const CalibrationRecord record = calibrate(table, {.name = name}, rule);
    EXPECT_EQ(to_string(record.rule), "class-drop 0.02");
    EXPECT_TRUE(record.policy.thresholds.empty());
    const Replay result = replay(table, *make_policy(record.policy, policy_context(table)));
    EXPECT_EQ(record.exit_shares, result.shares) << name;
    EXPECT_DOUBLE_EQ(record.quality, result.quality);
    EXPECT_GE(record.quality, record.last_exit_quality - 0.02 - 1e-9);
    EXPECT_LT(record.cost_fraction, table.exit_cost.back());
    EXPECT_EQ(recalibrate(table, record).policy, record.policy);
  }
}

}  // namespace
}  // namespace sooner
