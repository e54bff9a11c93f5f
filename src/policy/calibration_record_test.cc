#include "policy/calibration_record.h"

#include <gtest/gtest.h>

#include "support/message_of.h"

namespace sooner {
namespace {

PolicySpec margin(double threshold) {
  return {.name = "margin", .thresholds = Threshold::scores({threshold}), .temperatures = {}};
}

CalibrationRecord record(const PolicySpec& policy, const std::string& rule, const std::string& precision) {
  CalibrationRecord made;
  made.policy = policy;
  made.rule = parse_calibration_rule(rule);
  made.origin.precision = precision;
  return made;
}

TEST(PolicyAt, IsThePolicyItselfWhereItWasChosenForThePrecision) {
  const std::vector<CalibrationRecord> records{record(margin(0.3), "budget 0.5", "fp32"),
                                               record(margin(0.4), "budget 0.5", "int8")};
  EXPECT_EQ(policy_at(margin(0.3), records, "fp32"), margin(0.3));
  EXPECT_EQ(policy_at(margin(0.4), records, "int8"), margin(0.4));
}

TEST(PolicyAt, IsTheChoiceOfTheSameRuleAtAnotherPrecision) {
  const std::vector<CalibrationRecord> records{record(margin(0.3), "budget 0.5", "fp32"),
                                               record(margin(0.9), "accuracy-drop 0.003", "int8"),
                                               record(margin(0.4), "budget 0.5", "int8")};
  EXPECT_EQ(policy_at(margin(0.3), records, "int8"), margin(0.4));
  EXPECT_EQ(policy_at(margin(0.4), records, "fp32"), margin(0.3));
}

TEST(PolicyAt, KeepsEqualThresholdsOfTwoPrecisions) {
  const std::vector<CalibrationRecord> records{record(margin(0.3), "budget 0.5", "fp32"),
                                               record(margin(0.3), "budget 0.7", "int8")};
  EXPECT_EQ(policy_at(margin(0.3), records, "int8"), margin(0.3));
}

TEST(PolicyAt, KeepsARuleThatLookedAtNoLogits) {
  const std::vector<CalibrationRecord> records{record(margin(0.5), "rule m >= 0.5", "fp32")};
  EXPECT_EQ(policy_at(margin(0.5), records, "bf16"), margin(0.5));
}

TEST(PolicyAt, LeavesAloneWhatNoRecordKnows) {
  EXPECT_EQ(policy_at(margin(0.3), {}, "int8"), margin(0.3));
  const std::vector<CalibrationRecord> records{record(margin(0.5), "budget 0.5", "fp32")};
  EXPECT_EQ(policy_at(margin(0.3), records, "int8"), margin(0.3));
  const PolicySpec never;
  EXPECT_EQ(policy_at(never, {{record(never, "rule never", "fp32")}}, "int8"), never);
}

TEST(PolicyAt, LeavesAloneWhatWasChosenForNobodySaysWhichPrecision) {
  const std::vector<CalibrationRecord> records{record(margin(0.3), "budget 0.5", "")};
  EXPECT_EQ(policy_at(margin(0.3), records, "int8"), margin(0.3));
}

TEST(PolicyAt, AbstainsAsWasChosenForThePrecision) {
  const auto unsure = [](double below) {
    PolicySpec any{.name = "any", .parts = {margin(0.3)}};
    any.wrappers.abstain_below = Threshold::score(below);
    return any;
  };
  const std::vector<CalibrationRecord> records{record(unsure(1), "rule any and coverage 0.9", "fp32"),
                                               record(unsure(2), "rule any and coverage 0.9", "int8")};
  EXPECT_EQ(policy_at(unsure(1), records, "fp32"), unsure(1));
  EXPECT_EQ(policy_at(unsure(1), records, "int8"), unsure(2));
  EXPECT_EQ(find_policy_at(unsure(1), records, "bf16"), std::nullopt);
  EXPECT_NE(message_of(Code::kFailedPrecondition, [&] { static_cast<void>(policy_at(unsure(1), records, "bf16")); })
                .find("what 'rule any and coverage 0.9' chose for 'any'"),
            std::string::npos);
}

TEST(PolicyAt, DoesNotTakeTheSurestExitsThresholdsForTheLastOnes) {
  PolicySpec surest = margin(0.4);
  surest.wrappers.surest_so_far = true;
  const std::vector<CalibrationRecord> records{record(margin(0.3), "budget 0.5", "fp32"),
                                               record(surest, "budget 0.5", "int8")};
  EXPECT_EQ(find_policy_at(margin(0.3), records, "int8"), std::nullopt);
  EXPECT_EQ(policy_at(surest, records, "int8"), surest);
}

TEST(ChosenAlike, LeavesMeasuredTimesAside) {
  const auto alike = [](const std::string& a, const std::string& b) {
    return chosen_alike(record(margin(0.3), a, "fp32"), record(margin(0.4), b, "int8"));
  };
  EXPECT_TRUE(alike("latency 0.01 0.2,1", "latency 0.01 0.3,1.1"));
  EXPECT_FALSE(alike("latency 0.01 0.2,1", "latency 0.02 0.2,1"));
  EXPECT_FALSE(alike("latency 0.01 0.2,1", "latency 0.01 0.2,1 and coverage 0.9"));
  EXPECT_TRUE(alike("latency 0.01 0.2,1 and coverage 0.9", "latency 0.01 0.3,1 and coverage 0.9"));
  EXPECT_FALSE(alike("budget 0.5", "budget 0.5 and coverage 0.9"));
}

TEST(CalibrationRecord, IsCalledAfterItsPolicyAndRule) {
  EXPECT_EQ(record_name(record(margin(0.3), "accuracy-drop 0.003", "fp32")), "margin/accuracy-drop-0.003");
  EXPECT_EQ(record_name(record(margin(0.3), "latency 0.01 0.2,1 and coverage 0.9", "fp32")),
            record_name(record(margin(0.3), "latency 0.01 0.4,1 and coverage 0.9", "fp32")));
  CalibrationRecord gold = record(margin(0.3), "budget 0.5", "fp32");
  gold.name = "gold";
  EXPECT_EQ(record_name(gold), "gold");
}

TEST(CalibrationRecord, SaysItsRuleForPeople) {
  EXPECT_EQ(rule_text(record(margin(0.3), "budget 0.5", "fp32"), 3), "budget 0.5");
  EXPECT_EQ(rule_text(record({.name = "gate", .thresholds = Threshold::scores({0.5})}, "untouched", "fp32"), 3),
            "rule g >= 0.5");
  EXPECT_EQ(rule_text(record({.name = "always", .settings = {{"exit", 2}}}, "untouched", "fp32"), 3), "rule always 2");
  EXPECT_EQ(rule_text(record({.name = "never"}, "untouched and coverage 0.9", "fp32"), 3),
            "rule never and coverage 0.9");
}

TEST(AddRecord, ReplacesWhatWasChosenAlikeAtItsPrecision) {
  std::vector<CalibrationRecord> records;
  add_record(records, record(margin(0.3), "budget 0.5", "fp32"));
  add_record(records, record(margin(0.4), "budget 0.5", "int8"));
  add_record(records, record(margin(0.5), "budget 0.5", "fp32"));
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(find_record(records, "margin/budget-0.5", "fp32").policy, margin(0.5));
  EXPECT_EQ(find_record(records, "margin/budget-0.5", "int8").policy, margin(0.4));
}

TEST(AddRecord, KeepsPromisesOnOtherSamples) {
  CalibrationRecord promise = record(margin(0.3), "risk 0.1 delta 0.1", "fp32");
  promise.guarantee = RiskGuarantee{.samples = 100, .split_hash = "01"};
  std::vector<CalibrationRecord> records;
  add_record(records, promise);
  promise.policy = margin(0.5);
  promise.guarantee->split_hash = "02";
  EXPECT_TRUE(replaced_by(promise, records).empty());
  add_record(records, promise);
  ASSERT_EQ(records.size(), 2U);
  promise.guarantee->split_hash = "01";
  EXPECT_EQ(replaced_by(promise, records), std::vector<const CalibrationRecord*>{&records[0]});
}

TEST(AddRecord, LetsOnlyALaterPromiseOnTheSameSamplesTakeAPromisesPlace) {
  const auto promise = [](int64_t number, const char* rule, const char* split_hash = "01") {
    CalibrationRecord made = record(margin(0.3), rule, "fp32");
    made.name = "p";
    made.rule.risk->promises = made.rule.risk->delta ? 3 : 1;
    made.guarantee = RiskGuarantee{.samples = 100, .split_hash = split_hash, .number = number};
    return made;
  };
  const char* const shown = "risk 0.1 delta 0.05";
  std::vector<CalibrationRecord> records = {promise(2, shown)};
  const auto refused = [&](const CalibrationRecord& by) {
    return message_of(Code::kFailedPrecondition, [&] { add_record(records, by); });
  };
  CalibrationRecord without = record(margin(0.4), "budget 0.5", "fp32");
  without.name = "p";
  EXPECT_NE(refused(without).find("'p' holds promise 2 of 3 on the samples 01, which would count no more"),
            std::string::npos);
  EXPECT_NE(refused(promise(1, shown)).find("promise 2"), std::string::npos);
  EXPECT_NE(refused(promise(3, shown, "02")).find("promise 2"), std::string::npos);
  EXPECT_NE(refused(promise(3, "risk 0.1")).find("promise 2"), std::string::npos);
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].guarantee->number, 2);
  add_record(records, promise(2, shown));  // the same again
  ASSERT_EQ(records.size(), 1U);
  add_record(records, promise(3, shown));
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].guarantee->number, 3);
  without.name = "q";
  EXPECT_NO_THROW(add_record(records, without));
}

TEST(AddRecord, GivesEveryRecordAName) {
  std::vector<CalibrationRecord> records;
  PolicySpec surest = margin(0.4);
  surest.wrappers.surest_so_far = true;
  add_record(records, record(margin(0.3), "budget 0.5", "fp32"));
  add_record(records, record(surest, "budget 0.5", "fp32"));
  EXPECT_EQ(find_record(records, "margin/budget-0.5-2", "fp32").policy, surest);
  // A name that somebody chose passes on to the newest.
  CalibrationRecord gold = record(margin(0.3), "accuracy-drop 0.1", "fp32");
  gold.name = "gold";
  add_record(records, gold);
  gold.rule = parse_calibration_rule("accuracy-drop 0.2");
  add_record(records, gold);
  EXPECT_EQ(records.size(), 3U);
  EXPECT_EQ(find_record(records, "gold", "fp32").rule.value, 0.2);
}

TEST(FindRecord, NamesThoseThereAre) {
  std::vector<CalibrationRecord> records;
  const auto refusal = [&](const char* name, const char* precision) {
    return message_of(Code::kNotFound, [&] { static_cast<void>(find_record(records, name, precision)); });
  };
  EXPECT_NE(refusal("gold", "fp32").find("run `sooner tune`"), std::string::npos);
  add_record(records, record(margin(0.3), "budget 0.5", "fp32"));
  EXPECT_NE(refusal("margin/budget-0.4", "fp32").find("did you mean 'margin/budget-0.5'"), std::string::npos);
  EXPECT_NE(refusal("margin/budget-0.6", "int8").find("the model has none"), std::string::npos);
  EXPECT_NE(
      refusal("margin/budget-0.5", "int8")
          .find("is for fp32, got --precision int8; answer in fp32, or choose it there, too: `sooner tune --policy "
                "margin --precision int8 --name margin/budget-0.5` by the rule 'budget 0.5'"),
      std::string::npos);
}

TEST(PolicyAt, WithoutAChoiceForThePrecisionNamesTheRemedy) {
  const std::vector<CalibrationRecord> records{record(margin(0.3), "budget 0.5", "fp32"),
                                               record(margin(0.4), "budget 0.7", "int8")};
  EXPECT_EQ(find_policy_at(margin(0.3), records, "int8"), std::nullopt);
  const std::string message =
      message_of(Code::kFailedPrecondition, [&] { static_cast<void>(policy_at(margin(0.3), records, "int8")); });
  EXPECT_NE(message.find("sooner tune --policy margin --precision int8"), std::string::npos) << message;
  EXPECT_NE(message.find("give --calibration ('margin/budget-0.7'), or run"), std::string::npos) << message;
}

TEST(PolicyAt, KnowsThresholdsByClass) {
  const PolicySpec at_fp32{.name = "margin", .class_thresholds = {Threshold::scores({0.1, 0.2})}};
  const PolicySpec at_int8{.name = "margin", .class_thresholds = {Threshold::scores({0.3, 0.4})}};
  const std::vector<CalibrationRecord> records{record(at_fp32, "class-drop 0.5", "fp32"),
                                               record(at_int8, "class-drop 0.5", "int8")};
  EXPECT_EQ(policy_at(at_fp32, records, "int8"), at_int8);
  EXPECT_EQ(find_policy_at(at_fp32, records, "bf16"), std::nullopt);
}

TEST(PolicyAt, LooksUpEveryPartOfACombinedPolicy) {
  const auto any_of = [](const PolicySpec& part) {
    return PolicySpec{.name = "any", .parts = {part, {.name = "patience", .thresholds = Threshold::scores({2})}}};
  };
  std::vector<CalibrationRecord> records{record(margin(0.3), "budget 0.5", "fp32"),
                                         record(margin(0.4), "budget 0.5", "int8"),
                                         record(any_of(margin(0.3)), "rule any", "fp32")};
  EXPECT_EQ(policy_at(any_of(margin(0.3)), records, "fp32"), any_of(margin(0.3)));
  EXPECT_EQ(policy_at(any_of(margin(0.3)), records, "int8"), any_of(margin(0.4)));
  const std::string message = message_of(Code::kFailedPrecondition,
                                         [&] { static_cast<void>(policy_at(any_of(margin(0.3)), records, "bf16")); });
  EXPECT_NE(message.find("sooner tune --policy margin --precision bf16"), std::string::npos) << message;
  // Wrappers of its own tuning do not keep a part from being known.
  PolicySpec surest = margin(0.3);
  surest.wrappers.surest_so_far = true;
  records[0].policy = surest;
  EXPECT_EQ(policy_at(any_of(margin(0.3)), records, "int8"), any_of(margin(0.4)));
  EXPECT_EQ(find_policy_at(any_of(margin(0.3)), records, "bf16"), std::nullopt);
}

}  // namespace
}  // namespace sooner
