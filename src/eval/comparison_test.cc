#include "eval/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/error_of.h"
#include "tune/tables/random_table.h"

namespace sooner {
namespace {

using testing::HasSubstr;

const std::vector<double> kBudgets = {0.1, 0.5, 0.9, 1.2};

TEST(CompareWithinBudgets, KeepsWithinThemOnTuneAndReportsOnTest) {
  const LogitTable tune = random_logit_table(1, 2000, 3, 40);
  const LogitTable test = random_logit_table(2, 2000, 3, 40);
  const NetworkResult result = compare_within_budgets(tune, test, {"max-prob", "gate"}, kBudgets);
  ASSERT_EQ(result.budgets.size(), 4U);
  EXPECT_FALSE(result.budgets[0]) << "the first exit costs .5";
  EXPECT_EQ(result.budgets[1]->policy.name, "always") << "it has no room but for that exit";
  double before = 0;
  for (size_t b = 1; b < 4; ++b) {
    ASSERT_TRUE(result.budgets[b]);
    EXPECT_LE(result.budgets[b]->cost, kBudgets[b] + 0.03);  // on other samples
    EXPECT_GE(result.budgets[b]->accuracy, before);
    before = result.budgets[b]->accuracy;
  }
  ASSERT_TRUE(result.gates);
  EXPECT_EQ(result.gates->point.policy.name, "gate");
  ASSERT_TRUE(result.gates->rival);
  EXPECT_NEAR(*result.gates->rival, result.gates->point.accuracy, 0.1);
  EXPECT_TRUE(result.gates_by_weight.empty()) << "they were trained for a single cost weight";
  EXPECT_EQ(result.exit_accuracy.size(), 3U);
  EXPECT_TRUE(std::ranges::is_sorted(result.curve, {}, &CurvePoint::cost));
  // The same on tune alone: a budget is then kept exactly.
  const NetworkResult own = compare_within_budgets(tune, tune, {"max-prob"}, kBudgets);
  for (size_t b = 1; b < 4; ++b) EXPECT_LE(own.budgets[b]->cost, kBudgets[b] + 1e-12);
}

TEST(CompareWithinBudgets, FollowsGatesOverTheirRangeOfCostWeights) {
  LogitTable tune = random_logit_table(1, 1000, 3, 4), test = random_logit_table(2, 1000, 3, 4);
  tune.cost_weights = CostWeights{.low = 0.1, .high = 1, .standard = 0.3, .shifts = {{1, 0}, {1, 0}}};
  test.cost_weights = tune.cost_weights;
  const NetworkResult result = compare_within_budgets(tune, test, {"gate"}, {1});
  ASSERT_GT(result.gates_by_weight.size(), 2U);
  EXPECT_NEAR(result.gates_by_weight.front().point.policy.settings.number("cost_weight"), 0.1, 1e-12);
  EXPECT_NEAR(result.gates_by_weight.back().point.policy.settings.number("cost_weight"), 1, 1e-12);
  for (size_t i = 1; i < result.gates_by_weight.size(); ++i) {
    EXPECT_LE(result.gates_by_weight[i].point.cost, result.gates_by_weight[i - 1].point.cost) << "dearer: earlier";
  }
}

TEST(CompareWithinBudgets, TakesPlainNetworksAndThoseWithoutGates) {
  LogitTable table = random_logit_table(3, 200, 1, 4);
  table.exit_cost = {1};
  const NetworkResult plain = compare_within_budgets(table, table, {"max-prob", "gate"}, {0.5, 1});
  EXPECT_FALSE(plain.budgets[0]);
  EXPECT_EQ(plain.budgets[1]->policy.name, "always");
  EXPECT_EQ(plain.budgets[1]->accuracy, plain.exit_accuracy[0]);
  EXPECT_FALSE(plain.gates);
  EXPECT_EQ(plain.curve.size(), 1U);
  LogitTable gateless = random_logit_table(3, 200, 2, 4);
  gateless.gates.assign(200, std::nanf(""));
  const NetworkResult result = compare_within_budgets(gateless, gateless, {"max-prob", "gate"}, {0.9});
  EXPECT_FALSE(result.gates);
  EXPECT_TRUE(result.budgets[0]);
}

TEST(CompareWithinBudgets, RefusesWhatCannotBeCompared) {
  const LogitTable table = random_logit_table(3, 50, 2, 4);
  const auto what = [&](const LogitTable& tune, const std::vector<std::string>& policies, double budget) {
    return std::string(error_of([&] { compare_within_budgets(tune, table, policies, {budget}); }).what());
  };
  EXPECT_THAT(what(random_logit_table(3, 50, 3, 4), {"margin"}, 1), HasSubstr("tables of two models: 3 exits"));
  EXPECT_THAT(what(table, {"never"}, 1), HasSubstr("policy 'never' has no thresholds"));
  EXPECT_THAT(what(table, {"margin"}, 0), HasSubstr("got budget 0"));
}

}  // namespace
}  // namespace sooner
