#include "policy/cost_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "policy/exit_policy.h"
#include "support/error_of.h"

namespace sooner {
namespace {

using testing::HasSubstr;

// t = -1 at .01, 0 at .1, 1 at 1.
const CostWeights kWeights{.low = 0.01, .high = 1, .standard = 0.1, .shifts = {{2, 0}, {1, 0.5}}};

PolicyContext context() { return {.exits = 3, .classes = 2, .has_gates = true, .cost_weights = kWeights}; }

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

TEST(CostWeights, ShiftGatesAsWorkedByHand) {
  EXPECT_NEAR(cost_weight_position(kWeights, 0.01), -1, 1e-12);
  EXPECT_NEAR(cost_weight_position(kWeights, 0.1), 0, 1e-12);
  EXPECT_NEAR(cost_weight_position(kWeights, 1), 1, 1e-12);
  EXPECT_EQ(cost_weight_at(kWeights, -1), 0.01);
  EXPECT_NEAR(cost_weight_at(kWeights, 0.5), std::pow(10, -0.5), 1e-12);
  EXPECT_NEAR(gate_at(kWeights, 0, sigmoid(0.3), 1), sigmoid(2.3), 1e-12);
  EXPECT_NEAR(gate_at(kWeights, 1, sigmoid(0.3), -1), sigmoid(0.3 - 1 + 0.5), 1e-12);
  EXPECT_EQ(gate_at(kWeights, 0, 0, 1), 0);
  EXPECT_EQ(gate_at(kWeights, 0, 1, -1), 1);
  EXPECT_TRUE(std::isnan(gate_at(kWeights, 0, std::nan(""), 1)));
}

ExitVerdict first_exit(const ExitPolicy& policy, double gate, std::span<std::byte> state) {
  const std::vector<float> logits = {1, 0};
  return policy.decide({.exit_index = 0, .logits = logits, .gate = static_cast<float>(gate)}, state);
}

TEST(CostWeights, DecideWhoLeavesByTheGates) {
  for (const auto& [weight, leaves] : {std::pair(0.01, false), std::pair(0.1, false), std::pair(1.0, true)}) {
    PolicySpec spec{.name = "gate"};
    spec.settings.set("cost_weight", weight);
    const auto policy = make_policy(spec, context());
    std::vector<std::byte> state(policy->state_bytes(), std::byte{0});
    const ExitVerdict verdict = first_exit(*policy, 0.4, state);
    EXPECT_EQ(verdict.leaves(), leaves) << weight;
    EXPECT_NEAR(verdict.score, gate_at(kWeights, 0, 0.4F, cost_weight_position(kWeights, weight)), 1e-6);
  }
  // None named: the standard one, which is at 0 and shifts nothing.
  const auto standard = make_policy({.name = "gate"}, context());
  std::vector<std::byte> state(standard->state_bytes(), std::byte{0});
  EXPECT_NEAR(first_exit(*standard, 0.4, state).score, 0.4, 1e-6);
}

TEST(CostWeights, TravelWithTheSample) {
  PolicySpec cheap{.name = "gate"};
  cheap.settings.set("cost_weight", 1.0);
  for (const char* name : {"gate", "confidence"}) {
    cheap.name = name;
    const auto begun = make_policy(cheap, context());
    const auto other = make_policy({.name = name}, context());
    ASSERT_EQ(begun->state_bytes(), other->state_bytes());
    std::vector<std::byte> state(begun->state_bytes(), std::byte{0});
    static_cast<void>(first_exit(*begun, 0.2, state));
    std::vector<std::byte> alone = state;
    const std::vector<float> logits = {1, 0};
    const ExitObservation second{.exit_index = 1, .logits = logits, .gate = 0.3F};
    EXPECT_EQ(other->decide(second, state).score, begun->decide(second, alone).score) << name;
  }
}

TEST(CostWeights, AddNoStateWhereGatesKnowASingleOne) {
  PolicyContext plain = context();
  plain.cost_weights.reset();
  EXPECT_EQ(make_policy({.name = "gate"}, plain)->state_bytes(), 0U);
}

TEST(CostWeights, AreRefusedWhereTheyDoNotFit) {
  const auto what = [](const CostWeights& weights) {
    return std::string(error_of([&] { check_cost_weights(weights, 2); }).what());
  };
  CostWeights bad = kWeights;
  bad.low = 0;
  EXPECT_THAT(what(bad), HasSubstr("cost weights from 0 to 1, expected a range"));
  bad = kWeights;
  bad.high = std::numeric_limits<double>::infinity();
  EXPECT_THAT(what(bad), HasSubstr("expected a range of positive numbers"));
  bad = kWeights;
  bad.standard = 2;
  EXPECT_THAT(what(bad), HasSubstr("got cost weight 2, expected 0.01 to 1"));
  bad = kWeights;
  bad.shifts.pop_back();
  EXPECT_THAT(what(bad), HasSubstr("for 1 gates, expected 2"));
  bad = kWeights;
  bad.shifts[0] = {1};
  EXPECT_THAT(what(bad), HasSubstr("shifts 1 of the gate at exit 0, expected 2 numbers"));
  bad.shifts = {{0, 0}, {1, std::nan("")}};
  EXPECT_THAT(what(bad), HasSubstr("shifts 1, nan of the gate at exit 1, expected 2 numbers within -50 to 50"));
  bad.shifts = {{0, 0}, {-51, 0}};
  EXPECT_THAT(what(bad), HasSubstr("shifts -51, 0"));
}

}  // namespace
}  // namespace sooner
