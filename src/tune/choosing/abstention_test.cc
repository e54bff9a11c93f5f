#include "tune/choosing/abstention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "core/error.h"
#include "tune/tables/random_table.h"

namespace sooner {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Samples 0 and 1 leave early, one of them wrongly; the others come to the last exit with scores 5, 4, 4, 2 and are
// right, wrong, right, wrong.
const std::vector<Answer> kSixSamples{{.sure = true}, {.sure = true, .wrong = true},
                                      {.score = 5},   {.score = 4, .wrong = true},
                                      {.score = 4},   {.score = 2, .wrong = true}};

double coverage(double value) { return abstain_threshold(kSixSamples, {AbstainGoal::kCoverage, value}); }
double error(double value) { return abstain_threshold(kSixSamples, {AbstainGoal::kError, value}); }

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
  // The second and third by max-prob's score, having none of their own at the last exit.
  for (PolicySpec spec :
       {PolicySpec{.name = "max-prob", .thresholds = Threshold::scores({2, 3})}, PolicySpec{.name = "never"},
        PolicySpec{.name = "any", .parts = {{.name = "margin", .thresholds = Threshold::scores({0.9, 0.9})}}}}) {
    spec.wrappers.abstain_below = Threshold::score(choose_abstention(table, spec, {AbstainGoal::kCoverage, 0.97}));
    const Replay result = replay(table, *make_policy(spec, policy_context(table)));
    EXPECT_NEAR(result.abstained, 0.03, 1.0 / 500 + 1e-12) << spec.name;
    EXPECT_LE(result.abstained, 0.03 + 1e-12) << spec.name;
  }
}

TEST(Abstention, IsReadBackFromItsText) {
  EXPECT_EQ(to_string(Abstention{AbstainGoal::kCoverage, 0.95}), "coverage 0.95");
  EXPECT_EQ(to_string(Abstention{AbstainGoal::kError, 0.02}), "most-error 0.02");
  const Abstention read = parse_abstention("most-error 0.02");
  EXPECT_EQ(read.goal, AbstainGoal::kError);
  EXPECT_EQ(read.value, 0.02);
  for (const char* bad : {"", "coverage", "coverage x", "cover 0.5"}) EXPECT_THROW(parse_abstention(bad), Error) << bad;
}

}  // namespace
}  // namespace sooner
