#include "eval/accuracy_cost_curve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "tune/tables/random_table.h"

namespace sooner {
namespace {

using ::testing::ElementsAre;

CurvePoint at(double cost, double accuracy) { return {.cost = cost, .quality = accuracy}; }

std::vector<double> costs(const std::vector<CurvePoint>& points) {
  std::vector<double> result;
  for (const CurvePoint& point : points) result.push_back(point.cost);
  return result;
}

// Front: (.2, .5) (.4, .7) (.8, .9); the others are beaten.
const std::vector<CurvePoint> kPoints = {at(0.8, 0.9), at(0.2, 0.5),  at(0.5, 0.6),
                                         at(0.4, 0.7), at(0.4, 0.65), at(1, 0.9)};

TEST(AccuracyCostCurve, MarksTheFrontOfTheSamplesThatPointsWereChosenOn) {
  const LogitTable table = random_logit_table(1, 50, 3, 4);
  std::vector<OperatingPoint> points = always_points(table);
  ASSERT_EQ(points.size(), 3U);
  // As if the second exit had been no better than the first on the other samples; here it is.
  points[0].quality = points[1].quality = 0.7;
  points[2].quality = 0.9;
  const std::vector<CurvePoint> curve = accuracy_cost_curve(table, points);
  EXPECT_GT(curve[1].quality, curve[0].quality);
  EXPECT_TRUE(curve[0].front);
  EXPECT_FALSE(curve[1].front);
  EXPECT_TRUE(curve[2].front);
  points[1].cost = points[0].cost;
  points[1].quality = 0.8;
  EXPECT_FALSE(accuracy_cost_curve(table, points)[0].front) << "as cheap and less accurate";
}

TEST(ParetoFront, KeepsWhatNobodyBeats) {
  EXPECT_THAT(costs(pareto_front(kPoints)), ElementsAre(0.2, 0.4, 0.8));
  EXPECT_TRUE(pareto_front({}).empty());
  EXPECT_EQ(pareto_front(std::vector{at(1, 1), at(1, 1)}).size(), 1U);
}

TEST(BestWithin, TakesTheMostAccurateThatIsCheapEnough) {
  EXPECT_DOUBLE_EQ(best_within(kPoints, 0.79)->quality, 0.7);
  EXPECT_DOUBLE_EQ(best_within(kPoints, 0.8)->quality, 0.9);
  EXPECT_DOUBLE_EQ(best_within(kPoints, 9)->cost, 0.8);
  EXPECT_FALSE(best_within(kPoints, 0.19).has_value());
}

TEST(AccuracyAtCost, FollowsStraightLines) {
  EXPECT_DOUBLE_EQ(*accuracy_at_cost(kPoints, 0.3), 0.6);
  EXPECT_DOUBLE_EQ(*accuracy_at_cost(kPoints, 0.5), 0.75);
  EXPECT_DOUBLE_EQ(*accuracy_at_cost(kPoints, 0.2), 0.5);
  EXPECT_DOUBLE_EQ(*accuracy_at_cost(kPoints, 5), 0.9);
  EXPECT_FALSE(accuracy_at_cost(kPoints, 0.1).has_value());
  EXPECT_FALSE(accuracy_at_cost({}, 0.1).has_value());
}

TEST(CostAtAccuracy, FollowsTheSameLines) {
  EXPECT_DOUBLE_EQ(*cost_at_accuracy(kPoints, 0.6), 0.3);
  EXPECT_DOUBLE_EQ(*cost_at_accuracy(kPoints, 0.75), 0.5);
  EXPECT_DOUBLE_EQ(*cost_at_accuracy(kPoints, 0.1), 0.2);
  EXPECT_DOUBLE_EQ(*cost_at_accuracy(kPoints, 0.9), 0.8);
  EXPECT_FALSE(cost_at_accuracy(kPoints, 0.91).has_value());
  EXPECT_FALSE(cost_at_accuracy({}, 0.5).has_value());
}

TEST(MeanAccuracy, IsTheAreaUnderTheLines) {
  // .2 … .4: mean .6; .4 … .8: mean .8; .8 … 1: .9. Together (.12 + .32 + .18) / .8.
  EXPECT_NEAR(*mean_accuracy(kPoints, 0.2, 1.0), 0.775, 1e-12);
  EXPECT_NEAR(*mean_accuracy(kPoints, 0.3, 0.4), 0.65, 1e-12);
  EXPECT_NEAR(*mean_accuracy(kPoints, 2, 3), 0.9, 1e-12);
  EXPECT_FALSE(mean_accuracy(kPoints, 0.1, 1.0).has_value());
  EXPECT_THROW(mean_accuracy(kPoints, 1, 1), Error);
}

TEST(Hypervolume, IsTheAreaUnderTheSteps) {
  // .2 wide at .5, .4 wide at .7, .2 wide at .9.
  EXPECT_NEAR(hypervolume(kPoints, 1, 0), 0.1 + 0.28 + 0.18, 1e-12);
  EXPECT_NEAR(hypervolume(kPoints, 1, 0.6), 0.04 + 0.06, 1e-12);
  EXPECT_NEAR(hypervolume(kPoints, 0.3, 0), 0.05, 1e-12);
  EXPECT_EQ(hypervolume(kPoints, 0.1, 0), 0);
  EXPECT_EQ(hypervolume({}, 1, 0), 0);
}

TEST(Hypervolume, NeverShrinksWhenAPointJoins) {
  Rng rng(5);
  std::vector<CurvePoint> points;
  double before = 0;
  for (int i = 0; i < 50; ++i) {
    points.push_back(at(rng.uniform(), rng.uniform()));
    const double now = hypervolume(points, 1, 0);
    EXPECT_GE(now, before - 1e-12);
    before = now;
  }
}

TEST(AccuracyCostCurve, ReplaysPointsChosenOnAnotherTable) {
  const LogitTable tune = random_logit_table(41, 200, 3, 4);
  const LogitTable test = random_logit_table(42, 300, 3, 4);
  const auto points = operating_points(tune, "max-prob");
  const auto curve = accuracy_cost_curve(test, points);
  ASSERT_EQ(curve.size(), points.size());
  for (size_t i = 0; i < curve.size(); ++i) {
    const Replay expected = replay(test, *make_policy(points[i].spec, policy_context(test)));
    EXPECT_EQ(curve[i].cost, expected.cost);
    EXPECT_EQ(curve[i].quality, expected.quality);
    EXPECT_EQ(curve[i].shares, expected.shares);
    EXPECT_EQ(curve[i].label, points[i].label);
  }
  EXPECT_THROW(accuracy_cost_curve(LogitTable{}, points), Error);
}

TEST(Knee, IsThePointFarthestAboveTheLine) {
  // Scaled, the line is y = x: heights 0, .5 - .2, .9 - .5, 0.
  const auto at = [](double cost, double accuracy) { return CurvePoint{.cost = cost, .quality = accuracy}; };
  const std::vector<CurvePoint> front{at(1, 0.5), at(1.2, 0.6), at(1.5, 0.68), at(2, 0.7)};
  EXPECT_EQ(knee(front), 2U);
  // A point of more quality that costs as much more lies on the line, not above it.
  const std::vector<CurvePoint> dear{at(1, 0.5), at(1.1, 0.6), at(1.9, 0.68), at(2, 0.7)};
  EXPECT_EQ(knee(dear), 1U);
  EXPECT_EQ(knee(std::span(front).first(2)), std::nullopt);
}

}  // namespace
}  // namespace sooner
