#include "run/exit_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace sooner {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;

// Two exits, two classes, four samples; label 0 everywhere. Exit 0 is right on samples 0 and 1, exit 1 on all but the
// last; gates let samples 0 and 2 leave (0.5 leaves).
ExitAnswers four_samples() {
  return {.samples = 4,
          .exits = 2,
          .classes = 2,
          .logits = {1, 0, 2, 0, 1, 0, 2, 0, 0, 1, 2, 0, 0, 1, 0, 2},
          .gates = {0.5F, 0.25F, 0.75F, 0.5F - 1e-4F},
          .labels = {0, 0, 0, 0}};
}

TEST(ExitMetrics, MeasuresExitsGatesAndTheRule) {
  const ExitMetrics m = measure_exits(four_samples(), {0.25, 1.25});
  EXPECT_THAT(m.quality, ElementsAre(0.5, 0.75));
  EXPECT_THAT(m.share, ElementsAre(0.5, 0.5));
  EXPECT_NEAR(m.mean_gate[0], 0.5, 1e-4);
  EXPECT_DOUBLE_EQ(m.rule_quality, 0.5);  // sample 0 at exit 0, sample 1 at exit 1
  EXPECT_DOUBLE_EQ(m.cost, 0.75);
  // ln(1 + e^-1) = 0.3132617 where right by 1, ln(1 + e) = 1.3132617 where wrong by 1.
  EXPECT_NEAR(m.loss[0], 0.8132617, 1e-6);
}

TEST(ExitMetrics, WithoutGatesThereIsNoRule) {
  ExitAnswers answers = four_samples();
  answers.gates.assign(4, std::nanf(""));
  const ExitMetrics m = measure_exits(answers, {0.25, 1.25});
  EXPECT_FALSE(m.has_rule());
  EXPECT_TRUE(std::isnan(m.cost));
  EXPECT_DOUBLE_EQ(selection_score(m), 0.625);
}

TEST(ExitMetrics, OneExitHasNoGatesAtAll) {
  const ExitMetrics m = measure_exits({1, 1, 2, {3, 1}, {}, {0}}, {1});
  EXPECT_DOUBLE_EQ(m.quality[0], 1);
  EXPECT_DOUBLE_EQ(selection_score(m), 1);
  EXPECT_TRUE(starving_exits(m).empty());
}

TEST(ExitMetrics, SaysWhichExitStarvesAndWhy) {
  ExitMetrics m{{1, 1, 1}, {0.9, 0.69, 0.9}, {0.5, 0.5}, {0.019, 0.5, 0.481}, 0.9, 0.5};
  const std::vector<std::string> warnings = starving_exits(m);
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_THAT(warnings[0], HasSubstr("exit 0 starves: 1.9 % leave there"));
  EXPECT_THAT(warnings[1], HasSubstr("exit 1 starves: its accuracy is 69.0 %, the last exit's 90.0 %"));
  m.share = {0.02, 0.5, 0.48};
  m.quality[1] = 0.71;
  EXPECT_TRUE(starving_exits(m).empty());
}

// A regression of mean 10 and deviation 4, two samples at two exits, targets 12 and 0.
TEST(ExitMetrics, OfANumberAreErrorsInItsUnit) {
  const ExitAnswers answers{.samples = 2,
                            .exits = 2,
                            .classes = 1,
                            .logits = {0, 1, -2, -2.5F},  // 10, 14; 2, 0
                            .gates = {std::nanf(""), std::nanf("")},
                            .labels = {3, 1},
                            .targets = {12, 0}};
  const ExitMetrics m = measure_exits(answers, {0.25, 1}, {.standard = Standard{.mean = 10, .std = 4}});
  EXPECT_THAT(m.quality, ElementsAre(-2, -1));  // off by 2 and 2, by 2 and 0
  // |z - t| is 1/2 and 1/2, 1/2 and 0.
  EXPECT_THAT(m.loss, ElementsAre(0.125, 0.0625));
  EXPECT_FALSE(m.has_rule());
  EXPECT_DOUBLE_EQ(selection_score(m), -1.5);
  const ExitAnswers far{
      .samples = 1, .exits = 1, .classes = 1, .logits = {3}, .gates = {}, .labels = {0}, .targets = {2}};
  EXPECT_THAT(measure_exits(far, {1}, {.standard = Standard{.mean = 10, .std = 4}}).loss, ElementsAre(4.5));  // 5 - 1/2
}

TEST(ExitMetrics, SaysWhichExitIsTooFarOff) {
  const double nan = std::nan("");
  const std::optional<Quantity> angle = Quantity{"angle", "degrees"};
  const ExitMetrics m{{1, 1, 1}, {-6.1, -5.9, -2}, {}, {}, nan, nan};
  const std::vector<std::string> warnings = starving_exits(m, angle);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_THAT(warnings[0], HasSubstr("exit 0 starves: its error is 6.10 degrees, the last exit's 2.00 degrees"));
}

}  // namespace
}  // namespace sooner
