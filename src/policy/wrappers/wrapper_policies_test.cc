#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "policy/exit_policy.h"
#include "policy/policy_kind.h"
#include "support/policy_walk.h"

// Cap, deadline, abstention and the surest exit so far: what is put around any policy.
namespace sooner {
namespace {

using ::testing::ElementsAre;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(Cap, StopsWhoeverIsStillThere) {
  const auto policy =
      make_policy({.name = "max-prob", .thresholds = Threshold::scores({3, 3}), .wrappers = {.cap = 1}}, kThreeExits);
  EXPECT_EQ(policy->name(), "max-prob");
  EXPECT_THAT(outcomes(walk(*policy, {{0, 0}, {0, 0}})), ElementsAre(Left::kStays, Left::kByCap));
  EXPECT_THAT(outcomes(walk(*policy, {{0, 0}, {4, 0}})), ElementsAre(Left::kStays, Left::kByPolicy));
  EXPECT_THAT(outcomes(walk(*policy, {{4, 0}})), ElementsAre(Left::kByPolicy));
}

TEST(Cap, AtTheLastExitChangesNothing) {
  const auto policy =
      make_policy({.name = "max-prob", .thresholds = Threshold::scores({3, 3}), .wrappers = {.cap = 2}}, kThreeExits);
  EXPECT_THAT(outcomes(walk(*policy, kUndecided)), ElementsAre(Left::kStays, Left::kStays, Left::kAtLastExit));
}

TEST(Cap, MakesASkippedHeadAnswer) {
  for (const std::string name : {"never", "always"}) {
    PolicySpec spec{.name = name, .wrappers = {.cap = 1}};
    if (spec.name == "always") spec.settings.set("exit", int64_t{2});
    const auto policy = make_policy(spec, kThreeExits);
    EXPECT_FALSE(policy->needs_exit(0));
    EXPECT_TRUE(policy->needs_exit(1));
    EXPECT_EQ(walk(*policy, kUndecided)[1].left, Left::kByCap);
  }
}

TEST(Cap, PassesTheStateOn) {
  const auto policy = make_policy(
      {.name = "confidence", .thresholds = Threshold::scores({0.9, 0.9}), .wrappers = {.cap = 1}}, kThreeExits);
  EXPECT_EQ(policy->state_bytes(), 8U);
  const auto verdicts = walk(*policy, {{0, 0}, {0, 0}}, {0.5F, 0.5F});
  EXPECT_FLOAT_EQ(verdicts[1].score, 0.75F);
  EXPECT_EQ(verdicts[1].left, Left::kByCap);
}

TEST(Abstention, IsForThoseThatHaveToLeaveUnsure) {
  PolicySpec spec{.name = "max-prob", .thresholds = Threshold::scores({3, 3})};
  spec.wrappers.abstain_below = Threshold::score(1);
  const auto policy = make_policy(spec, kThreeExits);
  EXPECT_EQ(policy->name(), "max-prob");
  EXPECT_EQ(walk(*policy, {{0, 0}, {0, 0}, {0.5F, 0}})[2].left, Left::kAbstains);
  EXPECT_EQ(walk(*policy, {{0, 0}, {0, 0}, {1, 0}})[2].left, Left::kAtLastExit);
  EXPECT_EQ(walk(*policy, {{0, 0}, {0, 0}, {kNan, 0}})[2].left, Left::kAbstains);
  EXPECT_EQ(walk(*policy, {{0.5F, 0}})[0].left, Left::kStays);
  EXPECT_EQ(walk(*policy, {{3, 0}})[0].left, Left::kByPolicy);
  spec.wrappers.cap = 0;
  EXPECT_EQ(walk(*make_policy(spec, kThreeExits), {{0.5F, 0}})[0].left, Left::kAbstains);
  EXPECT_EQ(walk(*make_policy(spec, kThreeExits), {{2, 0}})[0].left, Left::kByCap);
}

TEST(Abstention, GoesByMaxProbWhereThePolicyGivesTheLastExitNoScore) {
  for (const char* name : {"gate", "never"}) {
    PolicySpec spec{.name = name};
    spec.wrappers.abstain_below = Threshold::score(1);  // log-odds: the difference of two logits
    const auto policy = make_policy(spec, kThreeExits);
    const std::vector<float> shut{0, 0};
    EXPECT_EQ(walk(*policy, {{0, 0}, {0, 0}, {0.5F, 0}}, shut)[2].left, Left::kAbstains) << name;
    EXPECT_EQ(walk(*policy, {{0, 0}, {0, 0}, {1, 0}}, shut)[2].left, Left::kAtLastExit) << name;
  }
}

TEST(SurestSoFar, AnswersForThoseThatHaveToLeaveUnsure) {
  PolicySpec spec{.name = "max-prob",
                  .thresholds = Threshold::scores({3, 3}),
                  .temperatures = {0.5, 1, 1},
                  .wrappers = {.surest_so_far = true}};
  const auto policy = make_policy(spec, kThreeExits);
  EXPECT_EQ(policy->state_bytes(), 16U);
  // Log-odds 1 / .5, 1 and .5: exit 0 is the surest, with e^2 / (1 + e^2) for class 1.
  const auto verdicts = walk(*policy, {{0, 1}, {1, 0}, {0.5F, 0}});
  EXPECT_THAT(outcomes(verdicts), ElementsAre(Left::kStays, Left::kStays, Left::kAtLastExit));
  EXPECT_THAT(scores(verdicts), ElementsAre(2, 1, 2));
  EXPECT_EQ(verdicts[2].label, 1);
  EXPECT_FLOAT_EQ(verdicts[2].probability, 0.880797F);
  // Of equals the later one; by policy an exit answers for itself.
  EXPECT_EQ(walk(*policy, {{0, 1}, {2, 0}, {0, 2}})[2].label, 1);
  EXPECT_EQ(walk(*policy, {{0, 1}, {2, 0}, {1, 0}})[2].label, 0);
  const auto sure = walk(*policy, {{0, 1}, {4, 0}});
  EXPECT_EQ(sure[1].left, Left::kByPolicy);
  EXPECT_EQ(sure[1].label, -1);
  // At the cap, too.
  spec.wrappers.cap = 1;
  const auto capped = walk(*make_policy(spec, kThreeExits), {{0, 1}, {1, 0}});
  EXPECT_EQ(capped[1].left, Left::kByCap);
  EXPECT_EQ(capped[1].label, 1);
}

TEST(SurestSoFar, GoesByMaxProbWhereScoresDoNotCompare) {
  for (const std::string name : {"gate", "confidence", "patience", "never"}) {
    const auto policy = make_policy({.name = name, .wrappers = {.surest_so_far = true}}, kThreeExits);
    EXPECT_TRUE(policy->needs_exit(0)) << name;
    const auto verdicts = walk(*policy, {{0, 2}, {1.5F, 0}, {1, 0}}, {0.125F, 0.25F});
    EXPECT_EQ(verdicts[2].left, Left::kAtLastExit) << name;
    EXPECT_EQ(verdicts[2].label, 1) << name;
    EXPECT_FLOAT_EQ(verdicts[2].score, 2) << name;
    EXPECT_FLOAT_EQ(verdicts[2].probability, 0.880797F) << name;
  }
  // Gates report their own score until then.
  EXPECT_FLOAT_EQ(
      walk(*make_policy({.name = "gate", .wrappers = {.surest_so_far = true}}, kThreeExits), {{0, 2}}, {0.125F})[0]
          .score,
      0.125F);
}

TEST(SurestSoFar, TakesAnAnswerThatIsNoNumberForUnsure) {
  const auto policy = make_policy(
      {.name = "margin", .thresholds = Threshold::scores({1, 1}), .wrappers = {.surest_so_far = true}}, kThreeExits);
  EXPECT_EQ(walk(*policy, {{kNan, 0}, {0, 1}, {kNan, kNan}})[2].label, 1);
  EXPECT_EQ(walk(*policy, {{kNan, 0}, {kNan, 0}, {kNan, kNan}})[2].left, Left::kAtLastExit);
}

TEST(SurestSoFar, AbstainsWhereEvenTheSurestIsUnsure) {
  const PolicySpec margin{.name = "margin",
                          .thresholds = Threshold::scores({1, 1}),
                          .wrappers = {.surest_so_far = true, .abstain_below = Threshold::score(0.5)}};
  const PolicySpec gate{.name = "gate", .wrappers = {.surest_so_far = true, .abstain_below = Threshold::score(1.25)}};
  for (const PolicySpec& spec : {margin, gate}) {
    const auto policy = make_policy(spec, kThreeExits);
    // Margins tanh(1) = .76 and tanh(.5) = .46.
    EXPECT_EQ(walk(*policy, {{2, 0}, {0, 1}, {0, 0}}, {0, 0})[2].left, Left::kAtLastExit) << spec.name;
    EXPECT_EQ(walk(*policy, {{1, 0}, {0, 1}, {0, 0}}, {0, 0})[2].left, Left::kAbstains) << spec.name;
  }
  EXPECT_EQ(abstains_by(margin).name, "margin");
  EXPECT_EQ(abstains_by(gate).name, "max-prob");
  EXPECT_EQ(abstains_by({.name = "patience"}).name, "patience");
  EXPECT_EQ(abstains_by({.name = "patience", .wrappers = {.surest_so_far = true}}).name, "max-prob");
}

TEST(Deadline, StopsWhoCouldNotFinishTheNextStage) {
  PolicySpec spec{.name = "confidence", .thresholds = Threshold::scores({0.9, 0.9})};
  spec.wrappers.deadline_seconds = 1;
  const auto policy = make_policy(spec, kThreeExits);
  EXPECT_TRUE(policy->needs_times());
  EXPECT_EQ(policy->state_bytes(), 8U);
  const std::array<float, 2> logits = {1, 0};
  const auto at = [&](int32_t exit, float gate, double elapsed, double next) {
    std::vector<std::byte> state(8);
    return policy->decide({exit, logits, gate, elapsed, next}, state).left;
  };
  EXPECT_EQ(at(0, 0.5F, 0.5, 0.5), Left::kStays) << "just in time";
  EXPECT_EQ(at(0, 0.5F, 0.5, 0.75), Left::kByDeadline);
  EXPECT_EQ(at(0, 0.95F, 5, 5), Left::kByPolicy);
  EXPECT_EQ(at(2, kNan, 5, 0), Left::kAtLastExit);
  EXPECT_EQ(at(0, 0.5F, std::nan(""), 1), Left::kStays) << "an unknown time stops nobody";
}

TEST(Deadline, MakesSkippedHeadsAnswerAndMayEndInAbstention) {
  PolicySpec spec;
  spec.wrappers.deadline_seconds = 1;
  const auto never = make_policy(spec, kThreeExits);
  EXPECT_TRUE(never->needs_exit(0));
  const std::array<float, 2> logits = {1, 0};
  EXPECT_EQ(never->decide({0, logits, kNan, 2, 0}, {}).left, Left::kByDeadline);
  spec.name = "max-prob";
  spec.thresholds = Threshold::scores({3, 3});
  spec.wrappers.abstain_below = Threshold::score(2);
  const auto unsure = make_policy(spec, kThreeExits);
  EXPECT_TRUE(unsure->needs_times());
  EXPECT_EQ(unsure->decide({0, logits, kNan, 2, 0}, {}).left, Left::kAbstains);
  EXPECT_FALSE(make_policy({}, kThreeExits)->needs_times());
}

}  // namespace
}  // namespace sooner
