#include "policy/threshold_units.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/rng.h"
#include "policy/policy_kind.h"
#include "support/error_of.h"

namespace sooner {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(LogOdds, MatchNumbersWorkedByHand) {
  EXPECT_DOUBLE_EQ(log_odds_from_probability(0.5), 0);
  EXPECT_NEAR(log_odds_from_probability(0.75), std::log(3.0), 1e-15);
  EXPECT_NEAR(log_odds_from_probability(0.9), std::log(9.0), 1e-14);
  EXPECT_NEAR(log_odds_from_probability(0.1), -std::log(9.0), 1e-14);
  EXPECT_EQ(log_odds_from_probability(1), kInfinity);
  EXPECT_EQ(log_odds_from_probability(0), -kInfinity);
}

TEST(LogOdds, GoThereAndBack) {
  for (const double p : {0.0, 1e-9, 0.01, 0.3, 0.5, 0.999, 1.0}) {
    EXPECT_NEAR(probability_from_log_odds(log_odds_from_probability(p)), p, 1e-15);
  }
  EXPECT_EQ(probability_from_log_odds(-1000), 0);
  EXPECT_EQ(probability_from_log_odds(1000), 1);
}

TEST(LogOdds, OfImpossibleProbabilitiesAreRefused) {
  for (const double p : {-0.1, 1.1, std::nan("")}) EXPECT_THROW(log_odds_from_probability(p), Error);
}

TEST(EntropyThreshold, MatchesNumbersWorkedByHand) {
  EXPECT_DOUBLE_EQ(entropy_score_from_nats(0, 10), 1);
  EXPECT_NEAR(entropy_score_from_nats(std::log(10.0), 10), 0, 1e-15);
  EXPECT_NEAR(entropy_score_from_nats(std::log(2.0), 4), 0.5, 1e-15);
  EXPECT_LT(entropy_score_from_nats(5, 10), 0) << "more nats than there are: always leave";
  EXPECT_NEAR(nats_from_entropy_score(0.5, 4), std::log(2.0), 1e-15);
  EXPECT_EQ(nats_from_entropy_score(-kInfinity, 4), kInfinity);
}

TEST(EntropyThreshold, GoesThereAndBack) {
  for (const double nats : {0.0, 1e-4, 0.5, 2.3, 10.0}) {
    EXPECT_NEAR(nats_from_entropy_score(entropy_score_from_nats(nats, 7), 7), nats, 1e-14);
  }
}

TEST(EntropyThreshold, OfImpossibleNatsIsRefused) {
  EXPECT_THROW(entropy_score_from_nats(-1, 10), Error);
  EXPECT_THROW(entropy_score_from_nats(std::nan(""), 10), Error);
  EXPECT_THROW(entropy_score_from_nats(1, 1), Error);
  EXPECT_THROW(nats_from_entropy_score(1, 0), Error);
}

std::string text(std::string_view policy, double score, int32_t classes) {
  return threshold_text(policy_kind(policy, classes).unit, score, classes);
}

TEST(ThresholdText, SpeaksThePolicysUnit) {
  EXPECT_EQ(text("max-prob", std::log(9.0), 10), "p >= 0.9");
  EXPECT_EQ(text("max-prob", 20, 10), "p >= 1 - 2.1e-09");
  EXPECT_EQ(text("entropy", 0.5, 4), "H <= 0.693 nats");
  EXPECT_EQ(text("margin", 0.25, 10), "p1 - p2 >= 0.25");
  EXPECT_EQ(text("gate", 0.5, 10), "g >= 0.5");
  EXPECT_EQ(text("confidence", 0.75, 10), "sum w >= 0.75");
  EXPECT_EQ(text("patience", 2, 10), "2 exits in a row agree");
  EXPECT_EQ(text("patience", -2.5, 1), "changed by <= 2.5");
  EXPECT_EQ(text("vote", 0.75, 10), "mean vote >= 0.75");
  EXPECT_EQ(text("gate", kInfinity, 10), "nobody");
  EXPECT_EQ(text("gate", -kInfinity, 10), "everybody");
}

double parsed(std::string_view text, std::string_view policy, int32_t classes = 10) {
  return parse_threshold("--threshold", text, policy_kind(policy, classes).unit, classes);
}

TEST(ThresholdArgument, IsReadInThePolicysUnit) {
  EXPECT_NEAR(parsed("0.75", "max-prob"), std::log(3.0), 1e-15);
  EXPECT_NEAR(parsed("0.75probability", "ensemble"), std::log(3.0), 1e-15);
  EXPECT_NEAR(parsed("1-1e-9", "max-prob"), 9 * std::log(10.0), 1e-8);
  EXPECT_EQ(parsed("2.5score", "max-prob"), 2.5);
  EXPECT_NEAR(parsed("0.5nats", "entropy", 4), 1 - 0.5 / std::log(4.0), 1e-15);
  EXPECT_EQ(parsed("0.5score", "entropy", 4), 0.5);
  EXPECT_EQ(parsed("0.5", "gate"), 0.5);
  EXPECT_EQ(parsed("3", "patience", 1), -3) << "by how much answers may change";
  EXPECT_EQ(parsed("nobody", "margin"), kInfinity);
  EXPECT_EQ(parsed("inf", "margin"), kInfinity);
  EXPECT_EQ(parsed("everybody", "margin"), -kInfinity);
  EXPECT_EQ(parsed("1", "max-prob"), kInfinity) << "nobody is as sure as that";
}

TEST(ThresholdArgument, ThatCouldBeTwoThingsIsRefused) {
  EXPECT_THAT(error_of([] { parsed("0.5", "entropy"); }).what(),
              testing::HasSubstr("--threshold got 0.5, whose unit could be two; write 0.5nats or 0.5score"));
  EXPECT_THAT(error_of([] { parsed("0.5nats", "max-prob"); }).what(), testing::HasSubstr("'0.5nats' is not a number"));
  EXPECT_THAT(error_of([] { parsed("1.5", "max-prob"); }).what(), testing::HasSubstr("got probability 1.5"));
  EXPECT_THAT(error_of([] { parsed("1-2", "max-prob"); }).what(), testing::HasSubstr("got probability 2"));
  EXPECT_THAT(error_of([] { parsed("-1", "patience", 1); }).what(), testing::HasSubstr("got -1, expected from 0"));
  EXPECT_THAT(error_of([] { parsed("", "gate"); }).what(), testing::HasSubstr("'' is not a number"));
}

TEST(ThresholdArgument, GivesBackEveryScoreToTheBit) {
  Rng rng(7);
  int64_t in_unit = 0;
  constexpr int64_t kDraws = 20'000;
  for (const PolicyKind* kind : policy_kinds()) {
    const int32_t classes = kind->fits == PolicyFits::kNumbers ? 1 : 10;
    for (int64_t i = 0; i < kDraws; ++i) {
      // Of every size, and near the ends of probabilities.
      double score = rng.normal() * std::exp(rng.uniform(-12, 4));
      if (kind->fits == PolicyFits::kNumbers) score = -std::abs(score);
      const std::string text = threshold_argument(score, kind->unit, classes);
      ASSERT_EQ(std::bit_cast<uint64_t>(parse_threshold("", text, kind->unit, classes)), std::bit_cast<uint64_t>(score))
          << kind->name << " " << text;
      if (kind->name == "max-prob" && !text.ends_with("score")) ++in_unit;
    }
    for (const double score : {kInfinity, -kInfinity, 0.0, 40.0, -40.0, 700.0, 1e-300}) {
      if (kind->fits == PolicyFits::kNumbers && score > 0 && score < kInfinity) continue;
      const std::string text = threshold_argument(score, kind->unit, classes);
      EXPECT_EQ(parse_threshold("", text, kind->unit, classes), score) << kind->name << " " << text;
    }
  }
  EXPECT_GT(in_unit, kDraws / 10) << "people read probabilities where they can";
}

}  // namespace
}  // namespace sooner
