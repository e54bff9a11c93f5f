#include "policy/exit_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "policy/policy_kind.h"

namespace sooner {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
const PolicyContext kThreeExits{.exits = 3, .classes = 2, .has_gates = true};

// Decisions at every exit for one sample, with zero-filled state; exits that need no answer count as "stays".
std::vector<ExitVerdict> walk(const ExitPolicy& policy, const std::vector<std::vector<float>>& logits,
                              const std::vector<float>& gates = {}) {
  std::vector<std::byte> state(policy.state_bytes());
  std::vector<ExitVerdict> verdicts;
  for (size_t k = 0; k < logits.size(); ++k) {
    const auto exit = static_cast<int32_t>(k);
    verdicts.push_back(policy.needs_exit(exit)
                           ? policy.decide({exit, logits[k], k < gates.size() ? gates[k] : kNan}, state)
                           : ExitVerdict{});
  }
  return verdicts;
}

std::vector<Left> outcomes(const std::vector<ExitVerdict>& verdicts) {
  std::vector<Left> left;
  for (const ExitVerdict& verdict : verdicts) left.push_back(verdict.left);
  return left;
}

const std::vector<std::vector<float>> kUndecided = {{0, 0}, {0, 0}, {0, 0}};

TEST(EntropyPolicy, StopsWhenOneLogitDominates) {
  const auto policy = make_policy({.name = "entropy", .thresholds = {0.5, 0.5}}, kThreeExits);
  EXPECT_THAT(outcomes(walk(*policy, {{0, 0}, {9, 0}, {0, 0}})),
              ElementsAre(Left::kStays, Left::kByPolicy, Left::kAtLastExit));
}

TEST(MaxProbPolicy, ComparesLogOddsWithTheExitsOwnThreshold) {
  const auto policy = make_policy({.name = "max-prob", .thresholds = {3, 1}}, kThreeExits);
  const auto verdicts = walk(*policy, {{2, 0}, {2, 0}, {2, 0}});
  EXPECT_THAT(outcomes(verdicts), ElementsAre(Left::kStays, Left::kByPolicy, Left::kAtLastExit));
  EXPECT_FLOAT_EQ(verdicts[0].score, 2);
  EXPECT_FLOAT_EQ(verdicts[2].score, 2) << "the last exit reports its score too";
}

TEST(MaxProbPolicy, LeavesWhenTheScoreEqualsTheThreshold) {
  const auto policy = make_policy({.name = "max-prob", .thresholds = {2, 2}}, kThreeExits);
  EXPECT_EQ(walk(*policy, {{2, 0}})[0].left, Left::kByPolicy);
  EXPECT_EQ(walk(*policy, {{std::nextafter(2.0F, 0.0F), 0}})[0].left, Left::kStays);
}

TEST(MaxProbPolicy, UsesEachExitsTemperature) {
  const auto policy = make_policy({.name = "max-prob", .thresholds = {2, 2}, .temperatures = {4, 1, 0.5}}, kThreeExits);
  const auto verdicts = walk(*policy, {{4, 0}, {4, 0}, {4, 0}});
  EXPECT_FLOAT_EQ(verdicts[0].score, 1);
  EXPECT_FLOAT_EQ(verdicts[1].score, 4);
  EXPECT_FLOAT_EQ(verdicts[2].score, 8);
}

TEST(MarginPolicy, ComparesTheTwoLargestProbabilities) {
  const auto policy = make_policy({.name = "margin", .thresholds = {0.6, 0.4}}, kThreeExits);
  const std::vector<float> quarter = {std::log(3.0F), 0};  // margin 1/2
  EXPECT_THAT(outcomes(walk(*policy, {quarter, quarter, quarter})),
              ElementsAre(Left::kStays, Left::kByPolicy, Left::kAtLastExit));
}

TEST(GatePolicy, LeavesAtOneHalfByDefault) {
  const auto policy = make_policy({.name = "gate"}, kThreeExits);
  const auto verdicts = walk(*policy, kUndecided, {0.49F, 0.5F});
  EXPECT_THAT(outcomes(verdicts), ElementsAre(Left::kStays, Left::kByPolicy, Left::kAtLastExit));
  EXPECT_EQ(verdicts[2].score, 1.0F) << "the last exit's gate is 1 by definition";
}

TEST(GatePolicy, NeverLeavesEarlyOnAGateThatIsNotANumber) {
  const auto policy = make_policy({.name = "gate"}, kThreeExits);
  EXPECT_THAT(outcomes(walk(*policy, kUndecided, {kNan, kNan})),
              ElementsAre(Left::kStays, Left::kStays, Left::kAtLastExit));
}

TEST(ConfidencePolicy, AddsUpTheStickBreakingWeights) {
  const auto policy = make_policy({.name = "confidence", .thresholds = {0.8, 0.8}}, kThreeExits);
  EXPECT_EQ(policy->state_bytes() % 8, 0U);
  // w = .25, .75 * .8 = .6: sum .85.
  const auto verdicts = walk(*policy, kUndecided, {0.25F, 0.8F});
  EXPECT_THAT(outcomes(verdicts), ElementsAre(Left::kStays, Left::kByPolicy, Left::kAtLastExit));
  EXPECT_FLOAT_EQ(verdicts[0].score, 0.25F);
  EXPECT_FLOAT_EQ(verdicts[1].score, 0.85F);
  EXPECT_FLOAT_EQ(verdicts[2].score, 1.0F);
}

TEST(ConfidencePolicy, KeepsTheStatesOfTwoSamplesApart) {
  const auto policy = make_policy({.name = "confidence"}, kThreeExits);
  std::array<std::byte, 8> one{};
  std::array<std::byte, 8> other{};
  ASSERT_EQ(policy->state_bytes(), one.size());
  const std::array<float, 2> logits = {0, 0};
  EXPECT_FLOAT_EQ(policy->decide({0, logits, 0.4F}, one).score, 0.4F);
  EXPECT_FLOAT_EQ(policy->decide({0, logits, 0.1F}, other).score, 0.1F);
  EXPECT_FLOAT_EQ(policy->decide({1, logits, 0.5F}, one).score, 0.7F);
  EXPECT_FLOAT_EQ(policy->decide({1, logits, 0.5F}, other).score, 0.55F);
}

TEST(AlwaysPolicy, LeavesAtItsExitAndSkipsTheHeadsBefore) {
  const auto policy = make_policy({.name = "always", .always_exit = 1}, kThreeExits);
  EXPECT_FALSE(policy->needs_exit(0));
  EXPECT_TRUE(policy->needs_exit(1));
  EXPECT_THAT(outcomes(walk(*policy, kUndecided)), ElementsAre(Left::kStays, Left::kByPolicy, Left::kAtLastExit));
  const auto last = make_policy({.name = "always", .always_exit = 2}, kThreeExits);
  EXPECT_THAT(outcomes(walk(*last, kUndecided)), ElementsAre(Left::kStays, Left::kStays, Left::kAtLastExit));
}

TEST(NeverPolicy, SendsEverybodyToTheLastExit) {
  const auto policy = make_policy({}, kThreeExits);
  EXPECT_EQ(policy->name(), "never");
  EXPECT_FALSE(policy->needs_exit(1));
  EXPECT_TRUE(policy->needs_exit(2));
  EXPECT_THAT(outcomes(walk(*policy, {{99, 0}, {99, 0}, {99, 0}})),
              ElementsAre(Left::kStays, Left::kStays, Left::kAtLastExit));
}

TEST(Cap, StopsWhoeverIsStillThere) {
  const auto policy = make_policy({.name = "max-prob", .thresholds = {3, 3}, .cap = 1}, kThreeExits);
  EXPECT_EQ(policy->name(), "max-prob");
  EXPECT_THAT(outcomes(walk(*policy, {{0, 0}, {0, 0}})), ElementsAre(Left::kStays, Left::kByCap));
  EXPECT_THAT(outcomes(walk(*policy, {{0, 0}, {4, 0}})), ElementsAre(Left::kStays, Left::kByPolicy));
  EXPECT_THAT(outcomes(walk(*policy, {{4, 0}})), ElementsAre(Left::kByPolicy));
}

TEST(Cap, AtTheLastExitChangesNothing) {
  const auto policy = make_policy({.name = "max-prob", .thresholds = {3, 3}, .cap = 2}, kThreeExits);
  EXPECT_THAT(outcomes(walk(*policy, kUndecided)), ElementsAre(Left::kStays, Left::kStays, Left::kAtLastExit));
}

TEST(Cap, MakesASkippedHeadAnswer) {
  for (const std::string name : {"never", "always"}) {
    const auto policy = make_policy({.name = name, .always_exit = 2, .cap = 1}, kThreeExits);
    EXPECT_FALSE(policy->needs_exit(0));
    EXPECT_TRUE(policy->needs_exit(1));
    EXPECT_EQ(walk(*policy, kUndecided)[1].left, Left::kByCap);
  }
}

TEST(Cap, PassesTheStateOn) {
  const auto policy = make_policy({.name = "confidence", .thresholds = {0.9, 0.9}, .cap = 1}, kThreeExits);
  EXPECT_EQ(policy->state_bytes(), 8U);
  const auto verdicts = walk(*policy, {{0, 0}, {0, 0}}, {0.5F, 0.5F});
  EXPECT_FLOAT_EQ(verdicts[1].score, 0.75F);
  EXPECT_EQ(verdicts[1].left, Left::kByCap);
}

TEST(Thresholds, OfInfinityHoldForEveryScore) {
  for (const std::string name : {"entropy", "max-prob", "margin", "gate", "confidence"}) {
    const auto nobody = make_policy({.name = name, .thresholds = {kInfinity, kInfinity}}, kThreeExits);
    const auto everybody = make_policy({.name = name, .thresholds = {-kInfinity, -kInfinity}}, kThreeExits);
    for (const std::vector<float>& logits :
         {std::vector{0.0F, 0.0F}, std::vector{3e38F, -3e38F}, std::vector{kNan, 0.0F}}) {
      EXPECT_EQ(walk(*nobody, {logits}, {1.0F})[0].left, Left::kStays) << name;
      EXPECT_EQ(walk(*everybody, {logits}, {kNan})[0].left, Left::kByPolicy) << name;
    }
  }
}

TEST(Policies, ThatDependOnLogitsNeverLeaveEarlyOnNan) {
  for (const std::string name : {"entropy", "max-prob", "margin"}) {
    const auto policy = make_policy({.name = name, .thresholds = {-5, -5}}, kThreeExits);
    EXPECT_THAT(outcomes(walk(*policy, {{kNan, 0}, {0, kNan}, {kNan, kNan}})),
                ElementsAre(Left::kStays, Left::kStays, Left::kAtLastExit))
        << name;
  }
}

TEST(Policies, OfAModelWithOneExitAnswerThere) {
  const PolicyContext one{.exits = 1, .classes = 10, .has_gates = false};
  for (const std::string& name : policy_names()) {
    const auto policy = make_policy({.name = name}, one);
    const std::vector<float> logits(10, 0.0F);
    EXPECT_THAT(outcomes(walk(*policy, {logits})), ElementsAre(Left::kAtLastExit)) << name;
    EXPECT_TRUE(policy->needs_exit(0)) << name;
  }
}

TEST(PolicyRegistry, NamesEveryPolicyInOrder) {
  EXPECT_THAT(policy_names(), ElementsAre("entropy", "max-prob", "margin", "gate", "confidence", "always", "never"));
  EXPECT_TRUE(has_thresholds("gate"));
  EXPECT_TRUE(has_thresholds("entropy"));
  EXPECT_FALSE(has_thresholds("always"));
  EXPECT_FALSE(has_thresholds("never"));
  EXPECT_TRUE(policy_kind("margin").probabilities);
  EXPECT_FALSE(policy_kind("gate").probabilities);
}

TEST(PolicyRegistry, MakesEachPolicyUnderItsName) {
  for (const std::string& name : policy_names()) {
    const std::vector<double> thresholds(has_thresholds(name) ? 2 : 0, 0.5);
    EXPECT_EQ(make_policy({.name = name, .thresholds = thresholds}, kThreeExits)->name(), name);
  }
}

struct BadSpec {
  PolicySpec spec;
  PolicyContext context;
  std::string message;
};

class BadPolicySpec : public ::testing::TestWithParam<BadSpec> {};

TEST_P(BadPolicySpec, IsRefusedWithAMessageThatHelps) {
  try {
    make_policy(GetParam().spec, GetParam().context);
    FAIL() << "accepted; expected: " << GetParam().message;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    EXPECT_THAT(error.what(), HasSubstr(GetParam().message));
    EXPECT_THAT(error.what(), ::testing::Not(HasSubstr("\n")));
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, BadPolicySpec,
    ::testing::Values(
        BadSpec{{.name = "entorpy", .thresholds = {0, 0}}, kThreeExits, "did you mean 'entropy'?"},
        BadSpec{{.name = "zzz"}, kThreeExits, "expected one of entropy, max-prob"},
        BadSpec{{.name = "entropy"}, kThreeExits, "got 0 thresholds, expected 2"},
        BadSpec{{.name = "entropy", .thresholds = {0, 0, 0}}, kThreeExits, "got 3 thresholds, expected 2"},
        BadSpec{{.name = "gate", .thresholds = {0.5}}, kThreeExits, "got 1 thresholds, expected 2"},
        BadSpec{{.name = "never", .thresholds = {0.5}}, kThreeExits, "got 1 thresholds, expected none"},
        BadSpec{{.name = "margin", .thresholds = {0, std::nan("")}}, kThreeExits, "threshold NaN at exit 1"},
        BadSpec{{.name = "margin", .thresholds = {0, 0}, .temperatures = {1, 1}},
                kThreeExits,
                "got 2 temperatures, expected 3"},
        BadSpec{{.name = "margin", .thresholds = {0, 0}, .temperatures = {1, 0, 1}},
                kThreeExits,
                "got temperature 0 at exit 1"},
        BadSpec{{.name = "margin", .thresholds = {0, 0}, .temperatures = {1, 1, -2}},
                kThreeExits,
                "temperature -2 at exit 2"},
        BadSpec{{.name = "margin", .thresholds = {0, 0}, .temperatures = {1, kInfinity, 1}},
                kThreeExits,
                "temperature inf"},
        BadSpec{{.name = "margin", .thresholds = {0, 0}, .temperatures = {std::nan(""), 1, 1}},
                kThreeExits,
                "temperature nan"},
        BadSpec{{.name = "always", .always_exit = 3}, kThreeExits, "'always' got exit 3, expected 0 to 2"},
        BadSpec{{.name = "always", .always_exit = -1}, kThreeExits, "got exit -1"},
        BadSpec{{.name = "never", .cap = 3}, kThreeExits, "the cap got exit 3, expected -1 to 2"},
        BadSpec{{.name = "never", .cap = -2}, kThreeExits, "the cap got exit -2"},
        BadSpec{{.name = "gate"}, {.exits = 3, .classes = 2, .has_gates = false}, "this model has none"},
        BadSpec{{.name = "confidence"}, {.exits = 2, .classes = 2, .has_gates = false}, "needs a gate"},
        BadSpec{{.name = "never"}, {.exits = 0, .classes = 2}, "0 exits"},
        BadSpec{{.name = "never"}, {.exits = 1, .classes = 1}, "1 classes"}));

TEST(Left, HasAWordForEveryOutcome) {
  EXPECT_EQ(to_string(Left::kStays), "stays");
  EXPECT_EQ(to_string(Left::kByPolicy), "by policy");
  EXPECT_EQ(to_string(Left::kByCap), "by cap");
  EXPECT_EQ(to_string(Left::kAtLastExit), "at last exit");
}

}  // namespace
}  // namespace sooner
