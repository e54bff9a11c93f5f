#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "policy/policy_kind.h"
#include "policy/scores.h"
#include "support/error_of.h"
#include "support/learned_settings.h"
#include "support/policy_walk.h"

namespace sooner {
namespace {

using ::testing::HasSubstr;

const PolicyContext kNoGates{.exits = 3, .classes = 2};

// Nothing counts but what a test sets.
PolicySpec blank(const PolicyContext& context) {
  PolicySpec spec{.name = "learned", .settings = test::learned_settings(context)};
  spec.thresholds = Threshold::scores(std::vector<double>(static_cast<size_t>(context.exits) - 1, 1.0));
  NumberRows weights = spec.settings.rows("weights");
  for (std::vector<double>& row : weights) std::ranges::fill(row, 0.0);
  spec.settings.set("weights", weights);
  return spec;
}

PolicySpec with_weight(PolicySpec spec, size_t exit, size_t place, double weight) {
  NumberRows weights = spec.settings.rows("weights");
  weights[exit][place] = weight;
  spec.settings.set("weights", weights);
  return spec;
}

TEST(LearnedPolicy, ScoresAsWorkedByHand) {
  // Exit 1: w_0 = .25, log-odds (2 - 1) / 2 * 3, agreement with exit 0 (0 or 1) / 2 * 4.
  PolicySpec spec = with_weight(with_weight(with_weight(blank(kNoGates), 1, 0, 0.25), 1, 1, 3), 1, 5, 4);
  NumberRows means = spec.settings.rows("means");
  means[1][0] = 1;
  spec.settings.set("means", means);
  const auto policy = make_policy(spec, kNoGates);
  EXPECT_EQ(policy->state_bytes(), 16U) << "log-odds and answer of two early exits";
  const auto same = walk(*policy, {{1, 0}, {2, 0}, {0, 0}});
  EXPECT_FLOAT_EQ(same[0].score, 0);
  EXPECT_FLOAT_EQ(same[1].score, 0.25F + 1.5F + 2);
  EXPECT_EQ(same[1].left, Left::kByPolicy);
  EXPECT_NEAR(same[1].probability, 1 / (1 + std::exp(-3.75)), 1e-6) << "that the answer is right";
  const auto other = walk(*policy, {{0, 1}, {2, 0}, {0, 0}});
  EXPECT_FLOAT_EQ(other[1].score, 0.25F + 1.5F);
  EXPECT_EQ(other[2].left, Left::kAtLastExit);
}

TEST(LearnedPolicy, SeesMarginEntropyGateAndEarlierLogOdds) {
  const std::vector<std::vector<float>> logits = {{3, 0}, {1, 0}, {0, 0}};
  const auto score = [&](size_t exit, size_t place) {
    const PolicySpec spec = with_weight(blank(kThreeExits), exit, place, 2);  // scales are 2
    return walk(*make_policy(spec, kThreeExits), logits, {0.25F, 0.75F})[exit].score;
  };
  EXPECT_FLOAT_EQ(score(1, 1), 1) << "own log-odds";
  EXPECT_FLOAT_EQ(score(1, 2), static_cast<float>(margin_score(logits[1])));
  EXPECT_FLOAT_EQ(score(1, 3), static_cast<float>(entropy_score(logits[1])));
  EXPECT_FLOAT_EQ(score(1, 4), 0.75F) << "gate";
  EXPECT_FLOAT_EQ(score(1, 5), 3) << "log-odds of exit 0";
  EXPECT_FLOAT_EQ(score(2, 4), 3) << "the last exit has no gate";
  EXPECT_FLOAT_EQ(score(2, 6), 1) << "log-odds of exit 1";
}

TEST(LearnedPolicy, CarriesWhatItSawAcrossACut) {
  const PolicySpec spec = with_weight(blank(kNoGates), 1, 4, 2);  // log-odds of exit 0
  const auto before = make_policy(spec, kNoGates), after = make_policy(spec, kNoGates);
  std::vector<std::byte> state(before->state_bytes());
  const std::vector<float> first = {5, 0}, second = {1, 0};
  static_cast<void>(before->decide({.exit_index = 0, .logits = first}, state));
  std::vector<std::byte> carried = state;
  EXPECT_FLOAT_EQ(after->decide({.exit_index = 1, .logits = second}, carried).score, 5);
}

TEST(LearnedPolicy, NeverLeavesEarlyOnNan) {
  const auto policy = make_policy(
      {.name = "learned", .thresholds = Threshold::scores({-99, -99}), .settings = test::learned_settings(kThreeExits)},
      kThreeExits);
  EXPECT_EQ(walk(*policy, {{std::nanf(""), 0}}, {0.5F})[0].left, Left::kStays);
  EXPECT_EQ(walk(*policy, {{1, 0}}, {std::nanf("")})[0].left, Left::kStays) << "a gate that is none";
  EXPECT_EQ(walk(*policy, {{1, 0}}, {0.5F})[0].left, Left::kByPolicy);
}

TEST(LearnedPolicy, IsRefusedWithoutItsFit) {
  const auto refused = [](const PolicySpec& spec, const PolicyContext& context) {
    return std::string(error_of([&] { make_policy(spec, context); }).what());
  };
  EXPECT_THAT(refused({.name = "learned", .thresholds = Threshold::scores({0, 0})}, kNoGates),
              HasSubstr("'learned' got weights for 0 exits, expected 3; `sooner tune` fits them"));
  EXPECT_THAT(refused(blank(kThreeExits), kNoGates), HasSubstr("got 5 weights at exit 0, expected 4"));
  PolicySpec spec = blank(kNoGates);
  NumberRows scales = spec.settings.rows("scales");
  scales[2][1] = 0;
  spec.settings.set("scales", scales);
  EXPECT_THAT(refused(spec, kNoGates), HasSubstr("got 0 among its scales at exit 2, expected 1e-09 to"));
  EXPECT_THAT(refused(blank(kNoGates), {.exits = 3, .classes = 1}), HasSubstr("'learned' needs classes"));
  spec = blank(kNoGates);
  spec.settings.set("penalty", 0.0);
  EXPECT_THAT(refused(spec, kNoGates), HasSubstr("'learned' got penalty 0, expected 1e-09 to 1000"));
}

}  // namespace
}  // namespace sooner
