#include "tune/choosing/operating_points.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/error.h"
#include "tune/tables/random_table.h"

namespace sooner {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(OperatingPoints, RunFromCheapToDearAndTellTheTruth) {
  const LogitTable table = random_logit_table(31, 300, 3, 5);
  const auto points = operating_points(table, "max-prob");
  ASSERT_GT(points.size(), 20U);
  EXPECT_TRUE(
      std::is_sorted(points.begin(), points.end(), [](const auto& a, const auto& b) { return a.cost < b.cost; }));
  EXPECT_LT(points.front().cost, table.exit_cost.front() + 0.1 * (table.exit_cost.back() - table.exit_cost.front()));
  EXPECT_GT(points.back().cost, table.exit_cost.back() - 0.1 * (table.exit_cost.back() - table.exit_cost.front()));
  for (size_t i = 0; i < points.size(); ++i) {
    const Replay result = replay(table, *make_policy(points[i].spec, policy_context(table)));
    EXPECT_DOUBLE_EQ(points[i].cost, result.cost) << points[i].label;
    EXPECT_DOUBLE_EQ(points[i].quality, result.quality) << points[i].label;
    for (size_t j = 0; j < i; ++j) EXPECT_FALSE(points[i].spec == points[j].spec) << points[i].label;
  }
}

TEST(OperatingPoints, OfGatesIncludeTheUntouchedRule) {
  const auto points = operating_points(random_logit_table(32, 100, 3, 5), "gate");
  const auto rule =
      std::find_if(points.begin(), points.end(), [](const auto& point) { return point.label == "rule g >= 0.5"; });
  ASSERT_NE(rule, points.end());
  EXPECT_THAT(scores_of(rule->spec.thresholds), ElementsAre(0.5, 0.5));
}

TEST(OperatingPoints, OfOneExitAreOnePoint) {
  EXPECT_EQ(operating_points(random_logit_table(33, 30, 1, 3), "entropy").size(), 1U);
}

TEST(OperatingPoints, NeedAPolicyWithThresholds) {
  EXPECT_THROW(operating_points(random_logit_table(34, 30, 2, 3), "never"), Error);
  EXPECT_THROW(operating_points(LogitTable{}, "entropy"), Error);
}

// q is 2^-5 at the first and 2^5 at the last of them, the powers evenly between; a single one stands in the middle.
TEST(OperatingPoints, OfBudgetsRunFromOneEndToTheOther) {
  const LogitTable table = random_logit_table(36, 60, 3, 4);
  const auto labels = [&](int32_t count) {
    std::vector<std::string> found(static_cast<size_t>(count));
    const OperatingPointOptions options{.budget_points = count, .accuracy_drops = {}, .equal_choices = true};
    for (const OperatingPoint& point : operating_points(table, "entropy", options)) {
      found.at(static_cast<size_t>(point.way)) = point.label;
    }
    return found;
  };
  EXPECT_THAT(labels(0), ElementsAre());
  EXPECT_THAT(labels(1), ElementsAre("q 1"));
  EXPECT_THAT(labels(2), ElementsAre("q 0.0312", "q 32"));
  EXPECT_THAT(labels(5), ElementsAre("q 0.0312", "q 0.177", "q 1", "q 5.66", "q 32"));
}

// Trained from 1 to 4: the middle of their logarithms is 2.
TEST(CostWeightPoints, SpanTheTrainedRange) {
  LogitTable table = random_logit_table(37, 60, 3, 4);
  EXPECT_THAT(cost_weight_points(table), ElementsAre());
  table.cost_weights = CostWeights{.low = 1, .high = 4, .standard = 2, .shifts = {{1, 0}, {1, 0}}};
  const auto weights = [&](int32_t count) {
    std::vector<double> found;
    for (const OperatingPoint& point : cost_weight_points(table, count)) {
      EXPECT_EQ(point.way, static_cast<int32_t>(found.size()));
      found.push_back(point.spec.settings.number("cost_weight"));
    }
    return found;
  };
  EXPECT_THAT(weights(3), ElementsAre(DoubleEq(1), DoubleEq(2), DoubleEq(4)));
  EXPECT_THAT(weights(1), ElementsAre(DoubleEq(2)));
}

TEST(AlwaysPoints, AreOnePerExit) {
  const LogitTable table = random_logit_table(35, 60, 3, 4);
  const auto points = always_points(table);
  ASSERT_EQ(points.size(), 3U);
  for (size_t k = 0; k < 3; ++k) EXPECT_DOUBLE_EQ(points[k].cost, table.exit_cost[k]);
  EXPECT_THAT(points[2].label, HasSubstr("always 2"));
}

}  // namespace
}  // namespace sooner
