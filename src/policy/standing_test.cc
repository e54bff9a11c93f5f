#include "policy/standing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sooner {
namespace {

using ::testing::HasSubstr;

const Origin kEngine{
    .weights_hash = "aa", .precision = "int8", .backend = "onednn", .instruction_set = "avx512_core_bf16"};

CalibrationRecord chosen_on(const Origin& origin) {
  CalibrationRecord record;
  record.name = "gold";
  record.policy = {.name = "margin", .thresholds = Threshold::scores({0.25})};
  record.rule = parse_calibration_rule("budget 0.5");
  record.origin = origin;
  return record;
}

CalibrationRecord promised_on(const Origin& origin) {
  CalibrationRecord record = chosen_on(origin);
  record.rule = parse_calibration_rule("risk 0.02 loss differs");
  record.guarantee = RiskGuarantee{.samples = 100, .split_hash = "01", .risk = 0.01};
  return record;
}

Origin with(Origin origin, std::string Origin::*member, const char* value) {
  origin.*member = value;
  return origin;
}

TEST(NumericClass, IsThePrecisionAndAtInt8TheLevelsOfTheWeights) {
  const auto class_of = [](const char* precision, const char* instruction_set) {
    return numeric_class({.precision = precision, .instruction_set = instruction_set});
  };
  for (const char* any : {"", "portable", "avx2", "avx512_core_amx"}) {
    EXPECT_EQ(class_of("fp32", any), NumericClass::kF32) << any;
    EXPECT_EQ(class_of("bf16", any), NumericClass::kBF16) << any;
  }
  for (const char* vnni : {"avx2_vnni", "avx512_core_vnni", "avx512_core_bf16", "avx512_core_fp16", "avx512_core_amx",
                           "avx512_core_amx_fp16"}) {
    EXPECT_EQ(class_of("int8", vnni), NumericClass::kInt8) << vnni;
  }
  for (const char* older : {"sse41", "avx", "avx2", "avx512_core"}) {
    EXPECT_EQ(class_of("int8", older), NumericClass::kInt8Small) << older;
  }
  EXPECT_EQ(class_of("int8", ""), NumericClass::kUnknown);
  EXPECT_EQ(class_of("", "avx2"), NumericClass::kUnknown);
}

TEST(Standing, HoldsForTheSameWeightsAndClassOfNumbers) {
  EXPECT_EQ(standing(chosen_on(kEngine), kEngine), Standing::kHolds);
  EXPECT_EQ(standing(chosen_on(with(kEngine, &Origin::instruction_set, "avx2_vnni")), kEngine), Standing::kHolds);
  EXPECT_EQ(standing(chosen_on(with(kEngine, &Origin::weights_hash, "ab")), kEngine), Standing::kOtherWeights);
  EXPECT_EQ(standing(chosen_on(with(kEngine, &Origin::weights_hash, "")), kEngine), Standing::kUnknownWeights);
  EXPECT_EQ(standing(chosen_on(with(kEngine, &Origin::instruction_set, "avx2")), kEngine), Standing::kOtherNumbers);
  EXPECT_EQ(standing(chosen_on(with(kEngine, &Origin::precision, "fp32")), kEngine), Standing::kOtherNumbers);
  // fp32 is one class for all backends.
  const Origin reference{.weights_hash = "aa", .precision = "fp32", .backend = "ref", .instruction_set = "portable"};
  EXPECT_EQ(standing(chosen_on(reference), with(kEngine, &Origin::precision, "fp32")), Standing::kHolds);
}

TEST(Standing, OfWhatRestsOnNoLogitsHoldsAlways) {
  CalibrationRecord own = chosen_on(with(kEngine, &Origin::weights_hash, "ab"));
  own.rule = {};
  EXPECT_EQ(standing(own, kEngine), Standing::kHolds);
}

TEST(DoubtAbout, NamesTheCalibrationAndTheRemedy) {
  const auto doubt = [](const CalibrationRecord& record) {
    return doubt_about(record.policy, std::vector{record}, kEngine);
  };
  EXPECT_EQ(doubt(chosen_on(kEngine)), "");
  EXPECT_THAT(doubt(chosen_on(with(kEngine, &Origin::weights_hash, "ab"))),
              HasSubstr("calibration 'gold' was chosen on logits of other weights (ab) than these (aa)"));
  EXPECT_THAT(doubt(promised_on(with(kEngine, &Origin::instruction_set, "avx2"))),
              HasSubstr("weights of 63 levels (processors without VNNI), and these are in int8 with weights of 127"));
  EXPECT_THAT(doubt(promised_on(with(kEngine, &Origin::instruction_set, "avx2"))),
              HasSubstr("its promise is withdrawn"));
}

TEST(DoubtAbout, LeavesOldFilesAloneUnlessTheyPromise) {
  const Origin old = with(kEngine, &Origin::weights_hash, "");
  EXPECT_EQ(doubt_about(chosen_on(old).policy, std::vector{chosen_on(old)}, kEngine), "");
  EXPECT_THAT(doubt_about(promised_on(old).policy, std::vector{promised_on(old)}, kEngine),
              HasSubstr("does not say on whose logits"));
}

TEST(DoubtAbout, IsNoneWhereARecordOfThePolicyHoldsOrNoneKnowsIt) {
  const std::vector records{chosen_on(with(kEngine, &Origin::weights_hash, "ab")), chosen_on(kEngine)};
  EXPECT_EQ(doubt_about(records[0].policy, records, kEngine), "");
  EXPECT_EQ(doubt_about({.name = "margin", .thresholds = Threshold::scores({0.75})}, std::vector{records[0]}, kEngine),
            "");
}

}  // namespace
}  // namespace sooner
