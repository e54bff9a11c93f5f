#include "eval/exit_summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/error.h"
#include "tune/tables/random_table.h"

namespace sooner {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::NanSensitiveDoubleEq;

TEST(ExitSummary, MatchesATableWorkedByHand) {
  // Exit 0 answers 0, 1, 0, 0; exit 1 answers 0, 1, 1, 0. Labels 0, 1, 1, 0. Samples 0 and 3 leave at exit 0.
  const LogitTable table = gap_table({{5, 1}, {-1, -1}, {1, -3}, {5, 2}}, {0, 1, 1, 0}, {0.25, 1});
  const Replay result = replay(table, *make_policy({.name = "max-prob", .thresholds = {3}}, policy_context(table)));
  const PolicySummary summary = summarize(table, result);
  EXPECT_DOUBLE_EQ(summary.accuracy, 1);
  EXPECT_THAT(summary.class_samples, ElementsAre(2, 2));
  EXPECT_THAT(summary.class_accuracy, ElementsAre(1, 1));
  EXPECT_THAT(summary.class_cost, ElementsAre(0.25, 1));
  EXPECT_DOUBLE_EQ(summary.exits[0].accuracy, 0.75);
  EXPECT_DOUBLE_EQ(summary.exits[0].share, 0.5);
  EXPECT_DOUBLE_EQ(summary.exits[0].accuracy_here, 1);
  EXPECT_THAT(summary.exits[0].class_accuracy, ElementsAre(1, 0.5));
  EXPECT_THAT(summary.exits[0].class_share, ElementsAre(1, 0));
  EXPECT_DOUBLE_EQ(summary.exits[1].accuracy, 1);
  EXPECT_THAT(summary.exits[1].class_share, ElementsAre(0, 1));
}

TEST(ExitSummary, CountsWhatThePolicyAnswersNotWhatTheExitWould) {
  // At exit 1 both exits together say 0 (gaps 5 and -1), exit 1 alone says 1. The label is 0.
  const LogitTable table = gap_table({{5, -1, 1}}, {0}, {0.25, 0.5, 1});
  const double nobody = std::numeric_limits<double>::infinity();
  const PolicySpec spec{.name = "ensemble", .thresholds = {nobody, -nobody}};
  const PolicySummary summary = summarize(table, replay(table, *make_policy(spec, policy_context(table))));
  EXPECT_DOUBLE_EQ(summary.accuracy, 1);
  EXPECT_DOUBLE_EQ(summary.class_accuracy[0], 1);
  EXPECT_DOUBLE_EQ(summary.exits[1].accuracy_here, 1);
  EXPECT_DOUBLE_EQ(summary.exits[1].accuracy, 0) << "alone";
}

TEST(ExitSummary, SaysNanForWhatDoesNotOccur) {
  const LogitTable table = gap_table({{5, 1}, {5, 1}}, {0, 0}, {0.25, 1});
  const Replay result = replay(table, *make_policy({.name = "never"}, policy_context(table)));
  const PolicySummary summary = summarize(table, result);
  EXPECT_TRUE(std::isnan(summary.exits[0].accuracy_here)) << "nobody leaves there";
  EXPECT_THAT(summary.class_accuracy, ElementsAre(DoubleEq(1), NanSensitiveDoubleEq(NAN))) << "no sample of class 1";
  EXPECT_DOUBLE_EQ(summary.exits[0].share, 0);
}

TEST(ExitSummary, SharesAddUpInEveryClass) {
  const LogitTable table = random_logit_table(61, 300, 4, 3);
  const Replay result = replay(table, *make_policy({.name = "gate"}, policy_context(table)));
  const PolicySummary summary = summarize(table, result);
  for (size_t c = 0; c < 3; ++c) {
    double share = 0;
    for (const ExitSummary& exit : summary.exits) share += exit.class_share[c];
    EXPECT_NEAR(share, 1, 1e-12);
  }
}

TEST(ExitSummary, OfAnotherTablesReplayIsRefused) {
  const LogitTable table = random_logit_table(62, 30, 2, 3);
  Replay result = replay(table, *make_policy({.name = "never"}, policy_context(table)));
  result.exit_index.pop_back();
  EXPECT_THROW(summarize(table, result), Error);
}

TEST(StarvingExits, AreNamedWithTheirFigures) {
  const auto messages = starving_exits({0.01, 0.49, 0.5}, {0.8, 0.65, 0.9});
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_THAT(messages[0], HasSubstr("exit 0 starves: 1.0 % of the samples leave there"));
  EXPECT_THAT(messages[1], HasSubstr("exit 1 starves: its accuracy of 65.0 % is 25.0 points under"));
}

TEST(StarvingExits, AreNoneWhenAllEarnTheirKeep) {
  EXPECT_TRUE(starving_exits({0.02, 0.48, 0.5}, {0.71, 0.8, 0.9}).empty());
  EXPECT_TRUE(starving_exits({1}, {0.5}).empty());
  EXPECT_TRUE(starving_exits({0.99, 0.01}, {0.9, 0.9}).empty()) << "the last exit never starves";
  EXPECT_THROW(starving_exits({1}, {}), Error);
}

}  // namespace
}  // namespace sooner
