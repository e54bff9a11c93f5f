#include "policy/exit_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <type_traits>

#include "core/error.h"
#include "policy/policy_kind.h"
#include "support/error_of.h"
#include "support/learned_settings.h"
#include "support/policy_walk.h"

namespace sooner {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(Thresholds, AreToldInThePolicysUnitOrAsScores) {
  const std::vector<std::vector<float>> ninety = {{std::log(9.0F), 0}};  // p = .9
  const auto left = [&](const PolicySpec& spec) { return walk(*make_policy(spec, kThreeExits), ninety)[0].left; };
  EXPECT_EQ(left({.name = "max-prob", .thresholds = {Threshold::probability(0.89), Threshold::nobody()}}),
            Left::kByPolicy);
  EXPECT_EQ(left({.name = "max-prob", .thresholds = {Threshold::probability(0.91), Threshold::nobody()}}),
            Left::kStays);
  EXPECT_EQ(left({.name = "max-prob", .thresholds = Threshold::scores({0.91, 0.91})}), Left::kByPolicy) << "log-odds";
  // H = .1 ln 10 + .9 ln(10 / 9) = .325 nats.
  EXPECT_EQ(left({.name = "entropy", .thresholds = Threshold::all_in("nats", {0.33, 0})}), Left::kByPolicy);
  EXPECT_EQ(left({.name = "entropy", .thresholds = Threshold::all_in("nats", {0.32, 0})}), Left::kStays);
  EXPECT_EQ(left({.name = "margin", .thresholds = {Threshold::in("margin", 0.79), Threshold::everybody()}}),
            Left::kByPolicy);
  const PolicySpec told{.name = "any",
                        .wrappers = {.abstain_below = Threshold::probability(0.5)},
                        .parts = {{.name = "max-prob", .thresholds = Threshold::all_in("probability", {0.5, 1})}}};
  const PolicySpec stored = in_scores(told, 2);
  EXPECT_EQ(stored.parts[0].thresholds, Threshold::scores({0, kInfinity}));
  EXPECT_EQ(stored.wrappers.abstain_below, Threshold::score(0));
  EXPECT_THROW(static_cast<void>(told.parts[0].thresholds[0].as_score()), Error);
}

// A bare number would be a probability to one reader and log-odds to another.
static_assert(!std::is_convertible_v<double, Threshold>);

TEST(EntropyPolicy, StopsWhenOneLogitDominates) {
  const auto policy = make_policy({.name = "entropy", .thresholds = Threshold::scores({0.5, 0.5})}, kThreeExits);
  EXPECT_THAT(outcomes(walk(*policy, {{0, 0}, {9, 0}, {0, 0}})),
              ElementsAre(Left::kStays, Left::kByPolicy, Left::kAtLastExit));
}

TEST(MaxProbPolicy, ComparesLogOddsWithTheExitsOwnThreshold) {
  const auto policy = make_policy({.name = "max-prob", .thresholds = Threshold::scores({3, 1})}, kThreeExits);
  const auto verdicts = walk(*policy, {{2, 0}, {2, 0}, {2, 0}});
  EXPECT_THAT(outcomes(verdicts), ElementsAre(Left::kStays, Left::kByPolicy, Left::kAtLastExit));
  EXPECT_FLOAT_EQ(verdicts[0].score, 2);
  EXPECT_FLOAT_EQ(verdicts[2].score, 2) << "the last exit reports its score too";
}

TEST(MaxProbPolicy, LeavesWhenTheScoreEqualsTheThreshold) {
  const auto policy = make_policy({.name = "max-prob", .thresholds = Threshold::scores({2, 2})}, kThreeExits);
  EXPECT_EQ(walk(*policy, {{2, 0}})[0].left, Left::kByPolicy);
  EXPECT_EQ(walk(*policy, {{std::nextafter(2.0F, 0.0F), 0}})[0].left, Left::kStays);
}

TEST(MaxProbPolicy, UsesEachExitsTemperature) {
  const auto policy = make_policy(
      {.name = "max-prob", .thresholds = Threshold::scores({2, 2}), .temperatures = {4, 1, 0.5}}, kThreeExits);
  const auto verdicts = walk(*policy, {{4, 0}, {4, 0}, {4, 0}});
  EXPECT_FLOAT_EQ(verdicts[0].score, 1);
  EXPECT_FLOAT_EQ(verdicts[1].score, 4);
  EXPECT_FLOAT_EQ(verdicts[2].score, 8);
}

TEST(MarginPolicy, ComparesTheTwoLargestProbabilities) {
  const auto policy = make_policy({.name = "margin", .thresholds = Threshold::scores({0.6, 0.4})}, kThreeExits);
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
  const auto policy = make_policy({.name = "confidence", .thresholds = Threshold::scores({0.8, 0.8})}, kThreeExits);
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

// Logits of ten to one for a class, of three: p = 10/12.
std::vector<float> says(int32_t label) {
  std::vector<float> logits(3, 0);
  logits[static_cast<size_t>(label)] = std::log(10.0F);
  return logits;
}

const PolicyContext kFiveExits{.exits = 5, .classes = 3, .has_gates = false};

TEST(PatiencePolicy, CountsExitsInARowThatAgree) {
  const auto policy = make_policy({.name = "patience", .thresholds = Threshold::scores({2, 2, 2, 2})}, kFiveExits);
  EXPECT_EQ(policy->state_bytes(), 8U);
  const auto verdicts = walk(*policy, {says(1), says(1), says(2), says(2), says(2)});
  EXPECT_THAT(scores(verdicts), ElementsAre(0, 1, 0, 1, 2));
  EXPECT_THAT(outcomes(verdicts),
              ElementsAre(Left::kStays, Left::kStays, Left::kStays, Left::kStays, Left::kAtLastExit));
  EXPECT_THAT(outcomes(walk(*policy, {says(0), says(0), says(0)})),
              ElementsAre(Left::kStays, Left::kStays, Left::kByPolicy));
  EXPECT_EQ(verdicts[4].label, -1) << "the exit's own answer is the one that was agreed on";
}

TEST(PatiencePolicy, AsksForTwoThatAgreeByDefault) {
  const auto policy = make_policy({.name = "patience"}, kFiveExits);
  EXPECT_THAT(outcomes(walk(*policy, {says(0), says(2), says(2)})),
              ElementsAre(Left::kStays, Left::kStays, Left::kByPolicy));
}

TEST(PatiencePolicy, AgreesWithNothingThatIsNotANumber) {
  const auto policy = make_policy({.name = "patience", .thresholds = Threshold::scores({1, 1, 1, 1})}, kFiveExits);
  EXPECT_THAT(outcomes(walk(*policy, {{kNan, 0, 0}, {kNan, 0, 0}, says(0), says(0)})),
              ElementsAre(Left::kStays, Left::kStays, Left::kStays, Left::kByPolicy));
}

TEST(VotePolicy, WeighsEveryExitsVoteByItsProbability) {
  const auto policy = make_policy({.name = "vote", .thresholds = Threshold::scores({1, 1, 1, 1})}, kFiveExits);
  EXPECT_EQ(policy->state_bytes(), 16U) << "three floats, rounded up";
  // p = 10/12, 10/12, then 2/4: {ln 2, 0, 0} speaks for class 0.
  const auto verdicts = walk(*policy, {says(1), says(2), {std::log(2.0F), 0, 0}, says(2), says(1)});
  EXPECT_FLOAT_EQ(verdicts[0].score, 10.0F / 12);
  EXPECT_EQ(verdicts[0].label, 1);
  EXPECT_FLOAT_EQ(verdicts[1].score, 10.0F / 12 / 2);
  EXPECT_EQ(verdicts[1].label, 1) << "the first of equals";
  EXPECT_FLOAT_EQ(verdicts[2].score, 10.0F / 12 / 3) << "half a vote for another class";
  EXPECT_EQ(verdicts[2].label, 1) << "not this exit's own, 0";
  EXPECT_FLOAT_EQ(verdicts[3].score, 2 * 10.0F / 12 / 4);
  EXPECT_EQ(verdicts[3].label, 2);
  EXPECT_EQ(verdicts[4].left, Left::kAtLastExit);
  EXPECT_EQ(verdicts[4].label, 1) << "the last exit answers alone";
  EXPECT_FLOAT_EQ(verdicts[4].score, 2 * 10.0F / 12 / 5);
}

TEST(VotePolicy, UsesEachExitsTemperature) {
  const auto policy =
      make_policy({.name = "vote", .thresholds = Threshold::scores({0.9}), .temperatures = {2, 1}}, {.exits = 2});
  const auto verdicts = walk(*policy, {{2 * std::log(3.0F), 0}, {0, std::log(3.0F)}});
  EXPECT_FLOAT_EQ(verdicts[0].score, 0.75F);
  EXPECT_FLOAT_EQ(verdicts[1].score, 0.375F);
}

TEST(VotePolicy, CountsNoVoteOfAnExitThatCannotTell) {
  const auto policy = make_policy({.name = "vote", .thresholds = Threshold::scores({0, 0, 0, 0})}, kFiveExits);
  const auto verdicts = walk(*policy, {{0, kNan, 0}, says(1)});
  EXPECT_EQ(verdicts[0].left, Left::kStays);
  EXPECT_FLOAT_EQ(verdicts[1].score, 10.0F / 12 / 2);
  EXPECT_EQ(verdicts[1].label, 1);
}

// Log-probabilities of two classes.
std::vector<float> odds(double p) { return {static_cast<float>(std::log(p)), static_cast<float>(std::log(1 - p))}; }

const PolicyContext kFourExits{.exits = 4, .classes = 2, .has_gates = false};

TEST(EnsemblePolicy, IsTheGeometricMeanOfTheExitsSoFar) {
  const auto policy = make_policy({.name = "ensemble", .thresholds = Threshold::scores({1, 1, 1})}, kFourExits);
  EXPECT_EQ(policy->state_bytes(), 8U);
  // Log-odds of a geometric mean are the mean of the log-odds: ln 3, (ln 3 - ln 9) / 2, (ln 3 - ln 9 + ln 81) / 3.
  const auto verdicts = walk(*policy, {odds(0.75), odds(0.1), odds(81.0 / 82), odds(0.2)});
  EXPECT_NEAR(verdicts[0].score, std::log(3.0), 1e-6);
  EXPECT_EQ(verdicts[0].label, 0);
  EXPECT_NEAR(verdicts[0].probability, 0.75, 1e-6);
  EXPECT_EQ(verdicts[0].left, Left::kByPolicy);
  EXPECT_NEAR(verdicts[1].score, std::log(3.0) / 2, 1e-6);
  EXPECT_EQ(verdicts[1].label, 1);
  EXPECT_EQ(verdicts[1].left, Left::kStays);
  EXPECT_NEAR(verdicts[2].score, std::log(3.0), 1e-6);
  EXPECT_EQ(verdicts[2].label, 0);
  EXPECT_EQ(verdicts[3].left, Left::kAtLastExit);
  EXPECT_EQ(verdicts[3].label, -1) << "the last exit answers alone";
  EXPECT_NEAR(verdicts[3].score, std::log(4.0), 1e-6);
}

TEST(EnsemblePolicy, WeighsExitsAndClasses) {
  PolicySpec spec{.name = "ensemble", .thresholds = Threshold::scores({9, 9, 9})};
  const double two = std::log(2.0);
  spec.settings.set("weights", NumberRows{{0}, {two, 0}, {0, two, two}});
  spec.settings.set("biases", NumberRows{{0, 0}, {0, 1}, {0.5, 0}});
  const auto policy = make_policy(spec, kFourExits);
  EXPECT_EQ(policy->state_bytes(), 4U * 2 * sizeof(float));
  // Log-odds of class 0: ln 3; (2 ln 3 - ln 9) / 2 - 1 = -1; (ln 3 - 2 ln 9 + 2 ln 81) / 3 + .5 = 5/3 ln 3 + .5.
  const auto verdicts = walk(*policy, {odds(0.75), odds(0.1), odds(81.0 / 82)});
  EXPECT_NEAR(verdicts[0].score, std::log(3.0), 1e-6);
  EXPECT_NEAR(verdicts[1].score, 1, 1e-6);
  EXPECT_EQ(verdicts[1].label, 1);
  EXPECT_NEAR(verdicts[2].score, 5.0 / 3 * std::log(3.0) + 0.5, 1e-6);
  EXPECT_EQ(verdicts[2].label, 0);
}

TEST(EnsemblePolicy, WithWeightsOfZeroIsThePlainOne) {
  PolicySpec spec{.name = "ensemble", .thresholds = Threshold::scores({9, 9, 9}), .temperatures = {2, 1, 0.5, 1}};
  const auto plain = make_policy(spec, kFourExits);
  spec.settings.set("weights", NumberRows{{0}, {0, 0}, {0, 0, 0}});
  const auto weighted = make_policy(spec, kFourExits);
  const std::vector<std::vector<float>> logits = {{1, 4}, {-2, 3}, {5, -1}, {0, 1}};
  const auto a = walk(*plain, logits), b = walk(*weighted, logits);
  for (size_t k = 0; k < 4; ++k) {
    EXPECT_NEAR(a[k].score, b[k].score, 1e-5) << k;
    EXPECT_EQ(a[k].label, b[k].label) << k;
  }
}

TEST(EnsemblePolicy, MayBeTheRunningMixture) {
  PolicySpec spec{.name = "ensemble", .thresholds = Threshold::scores({9, 9, 9})};
  spec.settings.set("mean", "arithmetic");
  // Means of p: 3/4; (.75 + .15) / 2 = .45; (.75 + .15 + .9) / 3 = .6.
  const auto verdicts = walk(*make_policy(spec, kFourExits), {odds(0.75), odds(0.15), odds(0.9)});
  EXPECT_NEAR(verdicts[0].probability, 0.75, 1e-6);
  EXPECT_NEAR(verdicts[1].probability, 0.55, 1e-6);
  EXPECT_EQ(verdicts[1].label, 1);
  EXPECT_NEAR(verdicts[2].score, std::log(1.5), 1e-6);
  EXPECT_EQ(verdicts[2].label, 0);
}

TEST(EnsemblePolicy, UsesEachExitsTemperature) {
  const auto policy =
      make_policy({.name = "ensemble", .thresholds = Threshold::scores({9}), .temperatures = {2, 4}}, {.exits = 2});
  const auto verdicts = walk(*policy, {{6, 0}, {8, 0}});
  EXPECT_NEAR(verdicts[0].score, 3, 1e-5);
  EXPECT_NEAR(verdicts[1].score, 2, 1e-5);
}

PolicySpec any_of(std::vector<PolicySpec> parts) { return {.name = "any", .parts = std::move(parts)}; }
PolicySpec all_of(std::vector<PolicySpec> parts) { return {.name = "all", .parts = std::move(parts)}; }

TEST(AnyPolicy, LeavesWhenOnePartWould) {
  const PolicySpec gate{.name = "gate"}, surest{.name = "max-prob", .thresholds = Threshold::scores({2, 2})};
  const auto policy = make_policy(any_of({gate, surest}), kThreeExits);
  EXPECT_EQ(policy->name(), "any");
  const auto verdicts = walk(*policy, {{1, 0}, {1, 0}, {1, 0}}, {0.4F, 0.6F});
  EXPECT_THAT(outcomes(verdicts), ElementsAre(Left::kStays, Left::kByPolicy, Left::kAtLastExit));
  EXPECT_THAT(scores(verdicts), ElementsAre(0, 0.5F, 1));
  EXPECT_THAT(outcomes(walk(*policy, {{2, 0}}, {0})), ElementsAre(Left::kByPolicy));
}

TEST(AllPolicy, LeavesWhenEveryPartWould) {
  const PolicySpec gate{.name = "gate"}, surest{.name = "max-prob", .thresholds = Threshold::scores({2, 2})};
  const auto policy = make_policy(all_of({gate, surest}), kThreeExits);
  EXPECT_THAT(outcomes(walk(*policy, {{2, 0}, {2, 0}, {2, 0}}, {0.4F, 0.6F})),
              ElementsAre(Left::kStays, Left::kByPolicy, Left::kAtLastExit));
  EXPECT_THAT(outcomes(walk(*policy, {{1, 0}}, {1})), ElementsAre(Left::kStays));
}

TEST(AnyPolicy, KeepsTheStatesOfItsPartsApartAndAnswersAsWhoeverLeaves) {
  const PolicySpec never_patient{.name = "patience", .thresholds = Threshold::scores({3, 3, 3, 3})};
  const PolicySpec vote{.name = "vote", .thresholds = Threshold::scores({1, 1, 0.5, 0.5})};
  const auto policy = make_policy(any_of({never_patient, vote, {.name = "never"}}), kFiveExits);
  EXPECT_EQ(policy->state_bytes(), 8U + 16U);
  // Votes 10/12 for 1, twice, then 1/2 for 0: 20/36 >= .5 and the vote answers.
  const auto verdicts = walk(*policy, {says(1), says(1), {std::log(2.0F), 0, 0}});
  EXPECT_THAT(outcomes(verdicts), ElementsAre(Left::kStays, Left::kStays, Left::kByPolicy));
  EXPECT_EQ(verdicts[2].label, 1);
  EXPECT_EQ(verdicts[1].label, -1) << "nobody leaves: as the first part";
}

TEST(AnyPolicy, NeedsTheExitsItsPartsNeed) {
  const PolicySpec at_one{.name = "always", .settings = {{"exit", 1}}};
  const auto fixed = make_policy(any_of({at_one, {.name = "never"}}), kThreeExits);
  EXPECT_FALSE(fixed->needs_exit(0));
  EXPECT_TRUE(fixed->needs_exit(1));
  const auto nested = make_policy(all_of({any_of({at_one, {.name = "gate"}}), {.name = "gate"}}), kThreeExits);
  EXPECT_TRUE(nested->needs_exit(0));
  EXPECT_THAT(outcomes(walk(*nested, kUndecided, {0.4F, 0.6F})),
              ElementsAre(Left::kStays, Left::kByPolicy, Left::kAtLastExit));
}

TEST(ClassThresholds, HoldForTheClassAnswered) {
  PolicySpec spec{.name = "max-prob"};
  spec.class_thresholds = {Threshold::scores({1, 3}), Threshold::scores({kInfinity, -kInfinity})};
  const auto policy = make_policy(spec, kThreeExits);
  EXPECT_EQ(walk(*policy, {{2, 0}})[0].left, Left::kByPolicy);
  EXPECT_EQ(walk(*policy, {{0, 2}})[0].left, Left::kStays);
  EXPECT_EQ(walk(*policy, {{0, 2}, {9, 0}})[1].left, Left::kStays);
  EXPECT_EQ(walk(*policy, {{0, 2}, {0, 0.1F}})[1].left, Left::kByPolicy);
  spec.name = "ensemble";  // after {ln 3, 0} and {0, ln 9}: class 1, log-odds ln 3 / 2
  spec.class_thresholds = {Threshold::scores({9, 9}), Threshold::scores({9, 0.5})};
  EXPECT_EQ(walk(*make_policy(spec, kThreeExits), {odds(0.75), odds(0.1)})[1].left, Left::kByPolicy);
}

TEST(Answer, IsTheExitsOwnUnlessThePolicySaysOtherwise) {
  const std::array<float, 3> logits = {0, 2, 1};
  EXPECT_EQ(answered_label({}, logits), 1);
  EXPECT_EQ(answered_label({.label = 0}, logits), 0);
}

TEST(AlwaysPolicy, LeavesAtItsExitAndSkipsTheHeadsBefore) {
  const auto policy = make_policy({.name = "always", .settings = {{"exit", 1}}}, kThreeExits);
  EXPECT_FALSE(policy->needs_exit(0));
  EXPECT_TRUE(policy->needs_exit(1));
  EXPECT_THAT(outcomes(walk(*policy, kUndecided)), ElementsAre(Left::kStays, Left::kByPolicy, Left::kAtLastExit));
  const auto last = make_policy({.name = "always", .settings = {{"exit", 2}}}, kThreeExits);
  EXPECT_THAT(outcomes(walk(*last, kUndecided)), ElementsAre(Left::kStays, Left::kStays, Left::kAtLastExit));
}

TEST(AlwaysPolicy, IsKnownBeforehandWhoLeavesWhere) {
  PolicySpec spec{.name = "always"};
  spec.settings.set("exit", int64_t{1});
  const auto fixed = policy_kind("always").fixed;
  EXPECT_FALSE(fixed(spec, 0).leaves);
  EXPECT_FALSE(fixed(spec, 0).asked);
  EXPECT_TRUE(fixed(spec, 1).leaves);
  EXPECT_TRUE(fixed(spec, 1).asked);
  EXPECT_TRUE(fixed(spec, 2).leaves);
  EXPECT_FALSE(fixed(spec, 2).asked);
}

TEST(NeverPolicy, SendsEverybodyToTheLastExit) {
  const auto policy = make_policy({}, kThreeExits);
  EXPECT_EQ(policy->name(), "never");
  EXPECT_FALSE(policy->needs_exit(1));
  EXPECT_TRUE(policy->needs_exit(2));
  EXPECT_THAT(outcomes(walk(*policy, {{99, 0}, {99, 0}, {99, 0}})),
              ElementsAre(Left::kStays, Left::kStays, Left::kAtLastExit));
}

TEST(Thresholds, OfInfinityHoldForEveryScore) {
  for (const std::string name :
       {"entropy", "max-prob", "margin", "gate", "confidence", "patience", "vote", "ensemble"}) {
    const auto nobody =
        make_policy({.name = name, .thresholds = Threshold::scores({kInfinity, kInfinity})}, kThreeExits);
    const auto everybody =
        make_policy({.name = name, .thresholds = Threshold::scores({-kInfinity, -kInfinity})}, kThreeExits);
    for (const std::vector<float>& logits :
         {std::vector{0.0F, 0.0F}, std::vector{3e38F, -3e38F}, std::vector{kNan, 0.0F}}) {
      EXPECT_EQ(walk(*nobody, {logits}, {1.0F})[0].left, Left::kStays) << name;
      EXPECT_EQ(walk(*everybody, {logits}, {kNan})[0].left, Left::kByPolicy) << name;
    }
  }
}

TEST(Policies, ThatDependOnLogitsNeverLeaveEarlyOnNan) {
  for (const std::string name : {"entropy", "max-prob", "margin", "ensemble"}) {
    const double lowest = name == "margin" ? 0 : -5;  // below every score
    const auto policy = make_policy({.name = name, .thresholds = Threshold::scores({lowest, lowest})}, kThreeExits);
    EXPECT_THAT(outcomes(walk(*policy, {{kNan, 0}, {0, kNan}, {kNan, kNan}})),
                ElementsAre(Left::kStays, Left::kStays, Left::kAtLastExit))
        << name;
  }
}

// A spec of the name that is whole.
PolicySpec named(const std::string& name, const PolicyContext& context) {
  PolicySpec spec{.name = name};
  if (has_thresholds(name)) spec.thresholds.assign(static_cast<size_t>(context.exits) - 1, Threshold::score(0.5));
  if (name == "learned") spec.settings = test::learned_settings(context);
  if (!policy_kind(name).joins_parts.empty()) spec.parts = {{.name = "never"}};
  return spec;
}

TEST(Policies, OfAModelWithOneExitAnswerThere) {
  const PolicyContext one{.exits = 1, .classes = 10, .has_gates = false};
  for (const std::string& name : policy_names()) {
    const auto policy = make_policy(named(name, one), one);
    const std::vector<float> logits(10, 0.0F);
    EXPECT_THAT(outcomes(walk(*policy, {logits})), ElementsAre(Left::kAtLastExit)) << name;
    EXPECT_TRUE(policy->needs_exit(0)) << name;
  }
}

TEST(PolicyRegistry, NamesEveryPolicyInOrder) {
  EXPECT_THAT(policy_names(), ElementsAre("entropy", "max-prob", "margin", "gate", "confidence", "patience", "vote",
                                          "ensemble", "learned", "any", "all", "always", "never"));
  EXPECT_TRUE(has_thresholds("gate"));
  EXPECT_TRUE(has_thresholds("entropy"));
  EXPECT_FALSE(has_thresholds("always"));
  EXPECT_FALSE(has_thresholds("never"));
  EXPECT_FALSE(has_thresholds("any"));
  EXPECT_TRUE(has_own_rule("patience"));
  EXPECT_TRUE(has_own_rule("never"));
  EXPECT_FALSE(has_own_rule("max-prob"));
  EXPECT_FALSE(has_own_rule("all"));
  EXPECT_TRUE(policy_kind("margin").probabilities);
  EXPECT_FALSE(policy_kind("gate").probabilities);
}

TEST(PolicyRegistry, RefusesRowsThatCannotBe) {
  const auto refused = [](PolicyKind kind) { return std::string(error_of([&] { register_policy(kind); }).what()); };
  const auto make = [](const PolicySpec&, const PolicyContext& context) { return make_policy({}, context); };
  EXPECT_THAT(refused({.name = "gate", .make = make}), HasSubstr("'gate' is registered already"));
  EXPECT_THAT(refused({.name = "never", .fits = PolicyFits::kNumbers, .make = make}), HasSubstr("registered already"));
  EXPECT_THAT(refused({.name = "patience", .fits = PolicyFits::kBoth, .make = make}), HasSubstr("registered already"));
  EXPECT_THAT(refused({.name = "", .make = make}), HasSubstr("got the name '' for a policy"));
  EXPECT_THAT(refused({.name = "any(x)", .make = make}), HasSubstr("got the name 'any(x)'"));
  EXPECT_THAT(refused({.name = "unmade"}), HasSubstr("'unmade' has no `make`"));
  EXPECT_THAT(refused({.name = "twice",
                       .settings = {{.name = "a", .standard = 1.0}, {.name = "a", .standard = 2.0}},
                       .make = make}),
              HasSubstr("'twice' declares the setting 'a'"));
  EXPECT_THAT(refused({.name = "outside", .settings = {{.name = "a", .standard = 1.0, .high = 0.5}}, .make = make}),
              HasSubstr("'outside' got a 1, expected -inf to 0.5"));
  // Bounds belong to what may be.
  EXPECT_THAT(refused({.name = "outside",
                       .settings = {{.name = "a", .standard = 0.5, .low = 0.5, .high = 0.5},
                                    {.name = "b", .standard = 1.0, .high = 0.5}},
                       .make = make}),
              HasSubstr("'outside' got b 1, expected -inf to 0.5"));
  EXPECT_FALSE(is_policy("outside")) << "what is refused is not there";
}

TEST(PolicyRegistry, MakesEachPolicyUnderItsName) {
  for (const std::string& name : policy_names()) {
    EXPECT_EQ(make_policy(named(name, kThreeExits), kThreeExits)->name(), name);
  }
}

TEST(Left, HasAWordForEveryOutcome) {
  EXPECT_EQ(to_string(Left::kStays), "stays");
  EXPECT_EQ(to_string(Left::kByPolicy), "by policy");
  EXPECT_EQ(to_string(Left::kByCap), "by cap");
  EXPECT_EQ(to_string(Left::kAtLastExit), "at last exit");
  EXPECT_EQ(to_string(Left::kByDeadline), "by deadline");
  EXPECT_EQ(to_string(Left::kAbstains), "abstains");
}

const PolicyContext kNumber{.exits = 4, .classes = 1, .has_gates = false};

TEST(PatienceOfNumbers, LeavesWhereTheAnswerHasSettled) {
  const auto policy = make_policy({.name = "patience", .thresholds = Threshold::scores({-5, -5, -5})}, kNumber);
  EXPECT_EQ(policy->name(), "patience");
  EXPECT_EQ(policy->state_bytes(), 8U);
  const auto verdicts = walk(*policy, {{10}, {3}, {-2}, {-2.5F}});
  EXPECT_THAT(scores(verdicts), ElementsAre(static_cast<float>(-kInfinity), -7, -5, -0.5F));
  EXPECT_THAT(outcomes(verdicts), ElementsAre(Left::kStays, Left::kStays, Left::kByPolicy, Left::kAtLastExit));
  EXPECT_THAT(outcomes(walk(*policy, {{0}, {0}})), ElementsAre(Left::kStays, Left::kByPolicy))
      << "a first answer of 0 is none before it";
}

TEST(PatienceOfNumbers, NeverLeavesAtTheFirstExitWhateverTheThreshold) {
  const auto policy =
      make_policy({.name = "patience", .thresholds = Threshold::scores({-kInfinity, -kInfinity, -kInfinity})}, kNumber);
  EXPECT_THAT(outcomes(walk(*policy, {{10}, {3}})), ElementsAre(Left::kStays, Left::kByPolicy));
  const auto capped =
      make_policy({.name = "patience", .thresholds = Threshold::scores({-1, -1, -1}), .wrappers = {.cap = 0}}, kNumber);
  EXPECT_EQ(walk(*capped, {{10}})[0].left, Left::kByCap);
}

TEST(PatienceOfNumbers, TrustsNothingThatIsNotANumber) {
  const auto policy = make_policy({.name = "patience", .thresholds = Threshold::scores({-9, -9, -9})}, kNumber);
  EXPECT_THAT(outcomes(walk(*policy, {{1}, {kNan}, {1}, {1}})),
              ElementsAre(Left::kStays, Left::kStays, Left::kStays, Left::kAtLastExit));
}

TEST(NumberPolicies, AreThoseThatNeedNoClasses) {
  for (const std::string& name : policy_names()) {
    PolicySpec spec{.name = name};
    if (has_thresholds(name)) spec.thresholds = Threshold::scores({-1, -1, -1});
    if (!policy_kind(name).joins_parts.empty())
      spec.parts = {{.name = "patience", .thresholds = Threshold::scores({-1, -1, -1})}, {.name = "never"}};
    const bool fits = name == "patience" || !has_thresholds(name);
    try {
      make_policy(spec, kNumber);
      EXPECT_TRUE(fits) << name;
    } catch (const Error& error) {
      EXPECT_FALSE(fits) << error.what();
      EXPECT_THAT(error.what(), HasSubstr("'" + name + "' needs classes and this model answers with a number"));
    }
  }
  EXPECT_FALSE(has_own_rule("patience", 1)) << "how much is little depends on the unit";
  EXPECT_TRUE(has_own_rule("never", 1));
}

// Where nobody may leave, an exit is of use to those alone who look back.
TEST(EveryPolicy, SkipsAnExitThatLetsNobodyGoUnlessItRemembers) {
  const double nobody = std::numeric_limits<double>::infinity();
  const auto needs = [&](PolicySpec spec) {
    const auto policy = make_policy(spec, kThreeExits);
    return std::vector<bool>{policy->needs_exit(0), policy->needs_exit(1), policy->needs_exit(2)};
  };
  for (const std::string name : {"entropy", "max-prob", "margin", "gate"}) {
    EXPECT_EQ(needs({.name = name, .thresholds = Threshold::scores({nobody, 0.5})}),
              std::vector<bool>({false, true, true}))
        << name;
    EXPECT_EQ(needs({.name = name, .thresholds = Threshold::scores({nobody, nobody})}),
              std::vector<bool>({false, false, true}))
        << name;
    EXPECT_EQ(
        needs({.name = name, .thresholds = Threshold::scores({nobody, 0.5}), .wrappers = {.surest_so_far = true}}),
        std::vector<bool>({true, true, true}))
        << name;
    EXPECT_EQ(
        needs({.name = name, .thresholds = Threshold::scores({nobody, 0.5}), .wrappers = {.deadline_seconds = 1}}),
        std::vector<bool>({true, true, true}))
        << name;
    EXPECT_EQ(needs({.name = name, .thresholds = Threshold::scores({nobody, nobody}), .wrappers = {.cap = 1}}),
              std::vector<bool>({false, true, true}))
        << name;
    EXPECT_EQ(needs({.name = name,
                     .class_thresholds = {Threshold::scores({nobody, nobody}), Threshold::scores({nobody, 0.5})}}),
              std::vector<bool>({false, true, true}))
        << name;
  }
  for (const std::string name : {"confidence", "patience", "vote", "ensemble"}) {
    EXPECT_EQ(needs({.name = name, .thresholds = Threshold::scores({nobody, nobody})}),
              std::vector<bool>({true, true, true}))
        << name;
  }
  PolicySpec both{.name = "any"};
  both.parts = {{.name = "margin", .thresholds = Threshold::scores({nobody, 0.5})},
                {.name = "entropy", .thresholds = Threshold::scores({nobody, 0.5})}};
  EXPECT_EQ(needs(both), std::vector<bool>({false, true, true}));
  both.parts.push_back({.name = "patience"});
  EXPECT_EQ(needs(both), std::vector<bool>({true, true, true}));
}

}  // namespace
}  // namespace sooner
