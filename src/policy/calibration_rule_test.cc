#include "policy/calibration_rule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "support/message_of.h"

namespace sooner {
namespace {

using Kind = CalibrationRule::Kind;
using ::testing::HasSubstr;

TEST(CalibrationRule, GoesFromTextToTextAndBack) {
  for (const std::string text :
       {"accuracy-drop 0.003", "latency 0.003 10.5,20.25,31", "class-drop 0.01", "budget 0.5", "shares 0.6,0.3,0.1",
        "untouched", "error-rise 0.5", "budget 0.5 and coverage 0.95", "untouched and most-error 0.02",
        "risk 0.02 loss accuracy-gap", "risk 0.02 delta 0.05 loss differs bound hoeffding-bentkus"}) {
    EXPECT_EQ(to_string(parse_calibration_rule(text)), text);
  }
  EXPECT_EQ(parse_calibration_rule("budget=0.5"), (CalibrationRule{.kind = Kind::kBudget, .value = 0.5}));
  EXPECT_EQ(parse_calibration_rule("risk 0.1 loss differs").risk, RiskTerms{.level = 0.1});
  EXPECT_EQ(parse_calibration_rule("budget 1 and most-error 0.25").abstention, (Abstention{AbstainGoal::kError, 0.25}));
}

TEST(CalibrationRule, OfAnOldFileThatSaysWhatThePolicysOwnThresholdsAreIsUntouched) {
  for (const std::string text : {"rule g >= 0.5", "rule always 1", "rule never"}) {
    EXPECT_EQ(parse_calibration_rule(text), CalibrationRule{}) << text;
  }
  EXPECT_EQ(to_string(parse_calibration_rule("rule any and coverage 0.9")), "untouched and coverage 0.9");
}

TEST(CalibrationRule, ThatIsNotOneIsRefused) {
  for (const std::string text :
       {"", "budgt 0.5", "budget", "budget x", "shares", "shares 0.5,", "untouched 3", "accuracy-drop nan",
        "latency 0.1", "latency 0.1 x", "by eye", "budget 0.5 and", "budget 0.5 and cover 0.5", "risk", "risk 0.1 loss",
        "risk 0.1 los differs", "risk 0.1 loss differ"}) {
    EXPECT_THROW(parse_calibration_rule(text), Error) << text;
  }
}

TEST(CalibrationRule, WithoutItsTimesIsTheSameOnEveryMachine) {
  EXPECT_EQ(without_times(parse_calibration_rule("latency 0.01 0.2,1 and coverage 0.9")),
            without_times(parse_calibration_rule("latency 0.01 0.3,1.1 and coverage 0.9")));
}

TEST(CheckRule, RefusesMembersThatBelongToAnotherKind) {
  const auto refusal = [](const CalibrationRule& rule) {
    return message_of(Code::kInvalidArgument, [&] { check_rule(rule, 3); });
  };
  for (const char* fine : {"budget 0.5", "shares 0.5,0.25,0.25", "latency 0.1 0.2,0.5,1", "untouched and coverage 1",
                           "risk 0.1 delta 0.1 loss differs bound betting"}) {
    EXPECT_NO_THROW(check_rule(parse_calibration_rule(fine), 3)) << fine;
  }
  EXPECT_THAT(refusal({.kind = Kind::kUntouched, .value = 1}), HasSubstr("'untouched' got the value 1"));
  EXPECT_THAT(refusal({.kind = Kind::kBudget, .value = -1}), HasSubstr("'budget' got value -1"));
  EXPECT_THAT(refusal({.kind = Kind::kBudget, .value = HUGE_VAL}), HasSubstr("got value inf"));
  EXPECT_THAT(refusal({.kind = Kind::kShares, .shares = {0.5, 0.5}}), HasSubstr("got shares 0.5,0.5, expected 3"));
  EXPECT_THAT(refusal({.kind = Kind::kBudget, .value = 1, .times = {1, 1, 1}}), HasSubstr("times 1,1,1, expected 0"));
  EXPECT_THAT(refusal({.kind = Kind::kLatency}), HasSubstr("got times none, expected 3"));
  EXPECT_THAT(refusal({.kind = Kind::kRisk}), HasSubstr("'risk' got no terms of a promise, expected them"));
  EXPECT_THAT(refusal({.kind = Kind::kBudget, .risk = RiskTerms{}}), HasSubstr("got the terms of a promise"));
  EXPECT_THAT(refusal({.kind = Kind::kRisk, .risk = RiskTerms{.level = 1}}), HasSubstr("is no promise"));
  EXPECT_THAT(refusal({.kind = Kind::kRisk, .risk = RiskTerms{.level = 0.5, .delta = 0}}), HasSubstr("is no promise"));
  EXPECT_THAT(refusal({.kind = Kind::kRisk, .risk = RiskTerms{.level = 0.5, .promises = 2}}),
              HasSubstr("promises share a delta"));
  EXPECT_THAT(refusal({.kind = Kind::kRisk, .risk = RiskTerms{.level = 0.5, .promises = 0}}),
              HasSubstr("is no promise"));
  EXPECT_NO_THROW(check_rule({.kind = Kind::kRisk, .risk = RiskTerms{.level = 0.5}}, 3)) << "of the mean alone";
  EXPECT_NO_THROW(check_rule({.kind = Kind::kRisk, .risk = RiskTerms{.level = 0.5, .delta = 0.1, .promises = 2}}, 3));
  EXPECT_THAT(refusal({.abstention = Abstention{AbstainGoal::kError, 1.5}}), HasSubstr("is no goal"));
}

}  // namespace
}  // namespace sooner
