#include "tune/choosing/held_out.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tune/tables/random_table.h"

namespace sooner {
namespace {

// Few points, so that a test is quick.
const OperatingPointOptions kOptions{.budget_points = 5, .accuracy_drops = {0, 0.01}};

double gap(const std::vector<OperatingPoint>& points, const std::vector<double>& held_out, const std::string& kind) {
  double sum = 0;
  for (size_t i = 0; i < points.size(); ++i) {
    if (points[i].label.starts_with(kind)) sum += points[i].quality - held_out[i];
  }
  return sum;
}

TEST(HeldOutQuality, SeesThroughThresholdsThatWereFittedToNoise) {
  // Six thresholds set one by one on 300 samples, beside families of one number. Summed over tables: one may be lucky.
  double free_gap = 0;
  double family_gap = 0;
  for (uint64_t seed = 0; seed < 5; ++seed) {
    const LogitTable table = random_logit_table(seed, 300, 7, 4);
    const std::vector<OperatingPoint> points = operating_points(table, "max-prob", kOptions);
    const std::vector<double> held_out = held_out_quality(halves_of(table), "max-prob", kOptions, points);
    ASSERT_EQ(held_out.size(), points.size());
    free_gap += gap(points, held_out, "accuracy-drop 0");
    family_gap += gap(points, held_out, "q ");
  }
  EXPECT_GT(free_gap / 10, 0.005);
  EXPECT_LT(std::abs(family_gap) / 25, 0.005);
}

TEST(HeldOutQuality, OfARuleThatLooksAtNothingIsItsOwn) {
  const LogitTable table = random_logit_table(1, 400, 3, 4);
  const std::vector<OperatingPoint> points = operating_points(table, "gate", kOptions);
  const std::vector<double> held_out = held_out_quality(halves_of(table), "gate", kOptions, points);
  const auto rule = std::ranges::find_if(points, [](const auto& point) { return point.label.starts_with("rule"); });
  ASSERT_NE(rule, points.end());
  EXPECT_DOUBLE_EQ(held_out[static_cast<size_t>(rule - points.begin())], rule->quality);
}

TEST(HeldOutQuality, OfOneSampleIsItsOwn) {
  const LogitTable table = random_logit_table(1, 1, 3, 4);
  const std::vector<OperatingPoint> points = operating_points(table, "margin", kOptions);
  for (size_t i = 0; i < points.size(); ++i) {
    EXPECT_EQ(held_out_quality(halves_of(table), "margin", kOptions, points)[i], points[i].quality);
  }
}

TEST(HeldOutQuality, TakesNumbersToo) {
  LogitTable table = random_logit_table(3, 60, 3, 1);
  table.labels.clear();
  table.targets.assign(60, 0.5F);
  const std::vector<OperatingPoint> points = operating_points(table, "patience", kOptions);
  for (const double quality : held_out_quality(halves_of(table), "patience", kOptions, points)) EXPECT_LT(quality, 0);
}

TEST(OperatingPoints, OfOneWayEachWhenAllAreAskedFor) {
  OperatingPointOptions options = kOptions;
  options.equal_choices = true;
  std::vector<int32_t> ways;
  for (const OperatingPoint& point : operating_points(random_logit_table(1, 3, 3, 4), "max-prob", options)) {
    ways.push_back(point.way);
  }
  EXPECT_THAT(ways, testing::UnorderedElementsAre(0, 1, 2, 3, 4, 5, 6));
}

TEST(SamplesOfATable, AreThoseAskedFor) {
  LogitTable table = random_logit_table(1, 5, 3, 2);
  table.elapsed_seconds.assign(15, 0);
  table.elapsed_seconds[3 * 3 + 1] = 0.25;
  table.stage_seconds = {1, 2, 3};
  table.wait_seconds.assign(10, 0);
  table.wait_seconds[3 * 2 + 1] = 0.5;
  const std::vector<int64_t> chosen = {3, 0};
  const LogitTable part = of_samples(table, chosen);
  EXPECT_NO_THROW(validate(part));
  EXPECT_EQ(part.samples, 2);
  EXPECT_EQ(part.labels, (std::vector<int32_t>{table.labels[3], table.labels[0]}));
  EXPECT_EQ(part.gate(0, 1), table.gate(3, 1));
  EXPECT_EQ(part.at(1, 2)[1], table.at(0, 2)[1]);
  EXPECT_EQ(part.observation(0, 1).elapsed_seconds, 0.25);
  EXPECT_EQ(part.stage_seconds, table.stage_seconds);
  EXPECT_EQ(part.observation(0, 1).next_stage_seconds, 3.5);
}

}  // namespace
}  // namespace sooner
