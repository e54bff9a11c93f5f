#include "tune/abstention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "core/error.h"
#include "tune/random_table.h"

namespace sooner {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Samples 0 and 1 leave at exit 0, one of them wrongly; the others come to the last exit with scores 5, 4, 4, 2 and are
// right, wrong, right, wrong.
ScoreTable six_samples() {
  return {.samples = 6,
          .exits = 2,
          .scores = {{9, 8, 1, 1, 1, 1}, {0, 0, 5, 4, 4, 2}},
          .quality = {{1, 0, 0, 0, 0, 0}, {1, 1, 1, 0, 1, 0}},
          .exit_cost = {0.5, 1}};
}
const std::vector<double> kThresholds{8};

double coverage(double value) {
  return abstain_threshold(six_samples(), exits_taken(six_samples(), kThresholds), {AbstainGoal::kCoverage, value});
}
double error(double value) {
  return abstain_threshold(six_samples(), exits_taken(six_samples(), kThresholds), {AbstainGoal::kError, value});
}

TEST(Abstention, AnswersAsFewAsTheCoverageAllows) {
  EXPECT_EQ(coverage(1), -kInfinity);
  EXPECT_DOUBLE_EQ(coverage(5.0 / 6), 3) << "between 4 and 2";
  EXPECT_DOUBLE_EQ(coverage(4.0 / 6), 3) << "the tied two stay together";
  EXPECT_DOUBLE_EQ(coverage(3.0 / 6), 4.5);
  EXPECT_GT(coverage(2.0 / 6), 5) << "those who leave early are enough";
  EXPECT_LT(coverage(0), 5.001);
}

TEST(Abstention, AnswersAsManyAsTheErrorAllows) {
  // Wrong of those answered, surest first: 1/2, 1/3, (tied) 2/5, 3/6.
  EXPECT_EQ(error(0.5), -kInfinity);
  EXPECT_DOUBLE_EQ(error(0.4), 3);
  EXPECT_DOUBLE_EQ(error(0.39), 4.5);
  EXPECT_DOUBLE_EQ(error(1.0 / 3), 4.5);
}

TEST(Abstention, ThatCannotKeepToTheErrorIsRefused) {
  try {
    error(0.3);
    FAIL() << "accepted";
  } catch (const Error& refused) {
    EXPECT_EQ(refused.code(), Code::kFailedPrecondition);
    EXPECT_NE(std::string(refused.what()).find("50.00 % of the 2 samples that leave early"), std::string::npos)
        << refused.what();
  }
  EXPECT_THROW(coverage(1.1), Error);
  EXPECT_THROW(error(std::nan("")), Error);
}

TEST(Abstention, IsWhatAReplayDoes) {
  const LogitTable table = random_logit_table(19, 500, 3, 4);
  PolicySpec spec{.name = "max-prob", .thresholds = {2, 3}};
  const ScoreTable scores = score_table(table, spec);
  spec.abstain_below = abstain_threshold(scores, exits_taken(scores, spec.thresholds), {AbstainGoal::kCoverage, 0.97});
  const Replay result = replay(table, *make_policy(spec, policy_context(table)));
  EXPECT_NEAR(result.abstained, 0.03, 1.0 / 500 + 1e-12);
  EXPECT_LE(result.abstained, 0.03 + 1e-12);
}

}  // namespace
}  // namespace sooner
