#include "tune/tables/logit_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/error.h"
#include "policy/scores.h"
#include "tune/tables/random_table.h"

namespace sooner {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Gaps at two exits; label 0 is right where the gap is positive.
LogitTable four_samples() { return gap_table({{3, 4}, {-2, 5}, {1, -1}, {0.5F, 2}}, {0, 0, 0, 1}, {0.25, 1.0}); }

TEST(Replay, MatchesATableWorkedByHand) {
  const LogitTable table = four_samples();
  const auto policy = make_policy({.name = "max-prob", .thresholds = Threshold::scores({1.5})}, policy_context(table));
  const Replay result = replay(table, *policy);
  // Log-odds at exit 0: 3, 2, 1, .5. The first two leave (right, wrong), the others go on (wrong, wrong).
  EXPECT_THAT(result.exit_index, ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(result.score, ElementsAre(3, 2, 1, 2));
  EXPECT_DOUBLE_EQ(result.quality, 0.25);
  EXPECT_DOUBLE_EQ(result.cost, (0.25 + 0.25 + 1 + 1) / 4);
  EXPECT_THAT(result.shares, ElementsAre(0.5, 0.5));
}

TEST(Replay, DoesNotPayForHeadsThePolicySkips) {
  LogitTable table = four_samples();
  table.head_cost = {0.1, 0.05};
  const PolicyContext context = policy_context(table);
  EXPECT_DOUBLE_EQ(replay(table, *make_policy({.name = "never"}, context)).cost, 0.9);
  EXPECT_DOUBLE_EQ(replay(table, *make_policy({.name = "always", .settings = {{"exit", 1}}}, context)).cost, 0.9);
  EXPECT_DOUBLE_EQ(replay(table, *make_policy({.name = "always", .settings = {{"exit", 0}}}, context)).cost, 0.25);
  EXPECT_DOUBLE_EQ(
      replay(table, *make_policy({.name = "max-prob", .thresholds = Threshold::scores({99})}, context)).cost, 1);
}

TEST(Replay, EqualsALiteralLoopForEveryPolicy) {
  const LogitTable table = random_logit_table(1, 200, 4, 5);
  const std::vector<double> temperatures = {2, 1.5, 1, 0.5};
  for (const auto& [name, threshold] : {std::pair<std::string, double>{"entropy", 0.6},
                                        {"max-prob", 1.5},
                                        {"margin", 0.5},
                                        {"gate", 0.5},
                                        {"confidence", 0.7}}) {
    for (const int32_t cap : {-1, 1}) {
      const PolicySpec spec{.name = name,
                            .thresholds = Threshold::scores({threshold, threshold, threshold}),
                            .temperatures = temperatures,
                            .wrappers = {.cap = cap}};
      const Replay result = replay(table, *make_policy(spec, policy_context(table)));
      int64_t correct = 0;
      double cost = 0;
      for (int64_t n = 0; n < table.samples; ++n) {
        int32_t exit = 0;
        double stick = 1;
        for (; exit < 3; ++exit) {
          const auto logits = table.at(n, exit);
          const double temperature = temperatures[static_cast<size_t>(exit)];
          stick *= 1 - static_cast<double>(table.gate(n, exit));
          const double score = name == "entropy"    ? entropy_score(logits, temperature)
                               : name == "max-prob" ? max_prob_log_odds(logits, temperature)
                               : name == "margin"   ? margin_score(logits, temperature)
                               : name == "gate"     ? static_cast<double>(table.gate(n, exit))
                                                    : 1 - stick;
          if (static_cast<float>(score) >= static_cast<float>(threshold) || exit == cap) break;
        }
        EXPECT_EQ(result.exit_index[static_cast<size_t>(n)], exit) << name << " sample " << n;
        correct += argmax(table.at(n, exit)) == table.labels[static_cast<size_t>(n)] ? 1 : 0;
        cost += table.exit_cost[static_cast<size_t>(exit)];
      }
      EXPECT_DOUBLE_EQ(result.quality, static_cast<double>(correct) / 200) << name;
      EXPECT_NEAR(result.cost, cost / 200, 1e-12) << name;
    }
  }
}

TEST(Replay, AnswersAsThePolicyDoes) {
  // Two early exits; the second turns to the other class, but the vote of the first counts more.
  const LogitTable table = gap_table({{3, -1, 2}, {-3, -1, 2}}, {0, 0}, {0.25, 0.5, 1.0});
  PolicySpec spec{.name = "vote", .thresholds = Threshold::scores({1, 0.4})};
  const Replay result = replay(table, *make_policy(spec, policy_context(table)));
  EXPECT_THAT(result.exit_index, ElementsAre(1, 1));
  EXPECT_THAT(result.label, ElementsAre(0, 1));
  EXPECT_THAT(result.left, ElementsAre(Left::kByPolicy, Left::kByPolicy));
  EXPECT_DOUBLE_EQ(result.quality, 0.5);
  const ScoreTable scores = score_table(table, spec);
  EXPECT_THAT(scores.quality[1], ElementsAre(1, 0));
}

TEST(Replay, CountsWhoIsAnsweredDoNotKnow) {
  const LogitTable table = four_samples();
  PolicySpec spec{.name = "max-prob", .thresholds = Threshold::scores({1.5})};
  spec.wrappers.abstain_below = Threshold::score(1.5);
  const Replay result = replay(table, *make_policy(spec, policy_context(table)));
  // Log-odds of the two that go on: 1 and 2.
  EXPECT_THAT(result.left, ElementsAre(Left::kByPolicy, Left::kByPolicy, Left::kAbstains, Left::kAtLastExit));
  EXPECT_DOUBLE_EQ(result.abstained, 0.25);
  EXPECT_DOUBLE_EQ(result.quality, 0.25) << "the label is kept and counts";
}

TEST(Replay, KeepsADeadlineByRecordedTimes) {
  LogitTable table = four_samples();
  PolicySpec spec{.name = "max-prob", .thresholds = Threshold::scores({1.5})};
  spec.wrappers.deadline_seconds = 2;
  const auto policy = make_policy(spec, policy_context(table));
  EXPECT_THROW(replay(table, *policy), Error) << "no times";
  table.stage_seconds = {9, 1};
  table.elapsed_seconds = {5, 5, 5, 5, 1, 2, 1.5, 9};
  validate(table);
  EXPECT_THAT(replay(table, *policy).left,
              ElementsAre(Left::kByPolicy, Left::kByPolicy, Left::kAtLastExit, Left::kByDeadline));
  EXPECT_EQ(score_table(table, spec).scores[0][3], 0.5F) << "choosing thresholds takes no time";
}

TEST(Replay, OfOneExitSendsEverybodyThere) {
  const LogitTable table = random_logit_table(2, 20, 1, 3);
  const Replay result = replay(table, *make_policy({.name = "entropy"}, policy_context(table)));
  EXPECT_THAT(result.shares, ElementsAre(1));
  EXPECT_DOUBLE_EQ(result.cost, table.exit_cost[0]);
}

TEST(Replay, OfNoSamplesIsRefused) {
  LogitTable table{.exits = 2, .classes = 2, .exit_cost = {0.5, 1}};
  const auto policy = make_policy({.name = "never"}, {.exits = 2, .classes = 2});
  EXPECT_THROW(replay(table, *policy), Error);
}

TEST(PolicyContextOfATable, CountsGatesOnlyWhenNoneIsMissing) {
  LogitTable table = random_logit_table(3, 5, 3, 2);
  EXPECT_TRUE(policy_context(table).has_gates);
  table.gates[7] = std::nanf("");
  EXPECT_FALSE(policy_context(table).has_gates);
  EXPECT_FALSE(policy_context(random_logit_table(3, 5, 1, 2)).has_gates);
}

TEST(ValidTable, IsAccepted) {
  EXPECT_NO_THROW(validate(four_samples()));
  EXPECT_NO_THROW(validate(random_logit_table(4, 3, 1, 2)));
}

struct Damage {
  std::string name;
  void (*apply)(LogitTable& table);
  std::string message;
};

const std::vector<Damage> kDamages = {
    Damage{"empty", [](LogitTable& t) { t = {}; }, "no samples"},
    Damage{"exits", [](LogitTable& t) { t.exits = 0; }, "0 exits"},
    Damage{"classes", [](LogitTable& t) { t.classes = 0; }, "0 classes"},
    Damage{"logits", [](LogitTable& t) { t.logits.pop_back(); }, "logits holds 23 values, expected 24"},
    Damage{"gates", [](LogitTable& t) { t.gates.clear(); }, "gates holds 0 values, expected 8"},
    Damage{"labels", [](LogitTable& t) { t.labels.pop_back(); }, "labels holds 3"},
    Damage{"cost", [](LogitTable& t) { t.exit_cost.push_back(2); }, "exit_cost holds 4"},
    Damage{"heads", [](LogitTable& t) { t.head_cost.pop_back(); }, "head_cost holds 2"},
    Damage{"waits", [](LogitTable& t) { t.wait_seconds.resize(5); }, "wait_seconds holds 5 values, expected 8"},
    Damage{"times", [](LogitTable& t) { t.elapsed_seconds.resize(12); }, "stage_seconds holds 0 values, expected 3"},
    Damage{"label", [](LogitTable& t) { t.labels[2] = 2; }, "label 2 at sample 2, expected 0 to 1"},
    Damage{"negative", [](LogitTable& t) { t.labels[0] = -1; }, "label -1"},
    Damage{"both", [](LogitTable& t) { t.targets.assign(4, 0); }, "targets holds 4 values, expected 0"},
    Damage{"nan", [](LogitTable& t) { t.logits[9] = std::nanf(""); }, "logit nan at sample 1, exit 1"},
    Damage{"inf", [](LogitTable& t) { t.logits[23] = std::numeric_limits<float>::infinity(); },
           "logit inf at sample 3, exit 2"},
    Damage{"gate", [](LogitTable& t) { t.gates[3] = 1.5F; }, "gate 1.5 at sample 1, exit 1"},
    Damage{"falling", [](LogitTable& t) { t.exit_cost[2] = 0.1; }, "cost 0.1 at exit 2"},
    Damage{"zero", [](LogitTable& t) { t.exit_cost[0] = 0; }, "cost 0 at exit 0"},
};

class DamagedTable : public ::testing::TestWithParam<Damage> {};

TEST_P(DamagedTable, IsRefusedWithItsPlace) {
  LogitTable table = random_logit_table(5, 4, 3, 2);
  table.head_cost = {0.1, 0.1, 0.1};
  ASSERT_NO_THROW(validate(table));
  GetParam().apply(table);
  try {
    validate(table);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    EXPECT_THAT(error.what(), HasSubstr(GetParam().message));
  }
}

INSTANTIATE_TEST_SUITE_P(All, DamagedTable, ::testing::ValuesIn(kDamages));

// Two samples that should be 10 and -4; three exits say 6, 9, 10 and -5, -1, -3.
LogitTable two_numbers() {
  return {.samples = 2,
          .exits = 3,
          .classes = 1,
          .logits = {6, 9, 10, -5, -1, -3},
          .gates = std::vector<float>(4, std::nanf("")),
          .targets = {10, -4},
          .exit_cost = {0.25, 0.5, 1}};
}

TEST(NumberTable, IsJudgedByTheMeanAbsoluteError) {
  const LogitTable table = two_numbers();
  ASSERT_NO_THROW(validate(table));
  EXPECT_THAT(quality_of_exits(table), ElementsAre(-2.5, -2, -0.5));
  const PolicyContext context = policy_context(table);
  // Changes of 3 and 4: only the first sample has settled at exit 1. It is off by 1 there, the other by 1 at the end.
  const Replay settled =
      replay(table, *make_policy({.name = "patience", .thresholds = Threshold::scores({-3, -3})}, context));
  EXPECT_THAT(settled.exit_index, ElementsAre(1, 2));
  EXPECT_THAT(settled.score, ElementsAre(-3, -2));
  EXPECT_DOUBLE_EQ(settled.quality, -1);
  EXPECT_DOUBLE_EQ(settled.cost, 0.75);
}

TEST(NumberTable, WithoutFiniteTargetsIsRefused) {
  LogitTable table = two_numbers();
  table.targets[1] = HUGE_VALF;
  EXPECT_THROW(validate(table), Error);
  table.targets.pop_back();
  EXPECT_THROW(validate(table), Error);
  table = two_numbers();
  table.labels = {0, 0};
  EXPECT_THROW(validate(table), Error);
}

}  // namespace
}  // namespace sooner
