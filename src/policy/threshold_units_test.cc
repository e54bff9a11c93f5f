#include "policy/threshold_units.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/error.h"

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

TEST(ThresholdText, SpeaksThePolicysUnit) {
  EXPECT_EQ(threshold_text("max-prob", std::log(9.0), 10), "p >= 0.9");
  EXPECT_EQ(threshold_text("max-prob", 20, 10), "p >= 1 - 2.1e-09");
  EXPECT_EQ(threshold_text("entropy", 0.5, 4), "H <= 0.693 nats");
  EXPECT_EQ(threshold_text("margin", 0.25, 10), "p1 - p2 >= 0.25");
  EXPECT_EQ(threshold_text("gate", 0.5, 10), "g >= 0.5");
  EXPECT_EQ(threshold_text("confidence", 0.75, 10), "sum w >= 0.75");
  EXPECT_EQ(threshold_text("patience", 2, 10), "2 exits in a row agree");
  EXPECT_EQ(threshold_text("patience", -2.5, 1), "changed by <= 2.5");
  EXPECT_EQ(threshold_text("vote", 0.75, 10), "mean vote >= 0.75");
  EXPECT_EQ(threshold_text("gate", kInfinity, 10), "nobody");
  EXPECT_EQ(threshold_text("gate", -kInfinity, 10), "everybody");
}

}  // namespace
}  // namespace sooner
