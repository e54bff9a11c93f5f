#include "policy/calibration_record.h"

#include <gtest/gtest.h>

#include "support/message_of.h"

namespace sooner {
namespace {

PolicySpec margin(double threshold) { return {.name = "margin", .thresholds = {threshold}, .temperatures = {}}; }

CalibrationRecord record(const PolicySpec& policy, const std::string& rule, const std::string& precision) {
  CalibrationRecord made;
  made.policy = policy;
  made.rule = rule;
  made.precision = precision;
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

TEST(PolicyAt, WithoutAChoiceForThePrecisionNamesTheRemedy) {
  const std::vector<CalibrationRecord> records{record(margin(0.3), "budget 0.5", "fp32"),
                                               record(margin(0.4), "budget 0.7", "int8")};
  EXPECT_EQ(find_policy_at(margin(0.3), records, "int8"), std::nullopt);
  const std::string message =
      message_of(Code::kFailedPrecondition, [&] { static_cast<void>(policy_at(margin(0.3), records, "int8")); });
  EXPECT_NE(message.find("sooner tune --policy margin --precision int8"), std::string::npos) << message;
}

}  // namespace
}  // namespace sooner
