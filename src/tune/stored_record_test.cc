#include "tune/stored_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sooner {
namespace {

using testing::ElementsAre;

CalibrationRecord record(const std::string& policy, const std::string& rule, const std::string& precision, int64_t n) {
  CalibrationRecord made;
  made.policy.name = policy;
  made.rule = rule;
  made.precision = precision;
  made.samples = n;
  return made;
}

TEST(StoredRecord, SaysWhoseLogitsItsThresholdsBelongTo) {
  CalibrationRecord made;
  set_origin(made, {.model_hash = "m",
                    .data_set = "glyphs",
                    .split = "tune",
                    .split_hash = "s",
                    .precision = "int8",
                    .backend = "onednn",
                    .instruction_set = "avx512"});
  EXPECT_EQ(made.data_set, "glyphs");
  EXPECT_EQ(made.split_hash, "s");
  EXPECT_EQ(made.precision, "int8");
  EXPECT_EQ(made.backend, "onednn");
  EXPECT_EQ(made.instruction_set, "avx512");
}

TEST(StoredRecord, TakesThePlaceOfTheSamePolicyRuleAndPrecision) {
  std::vector<CalibrationRecord> records;
  store_record(record("max-prob", "budget 0.5", "fp32", 1), records);
  store_record(record("max-prob", "budget 0.5", "int8", 2), records);
  store_record(record("max-prob", "budget 0.7", "fp32", 3), records);
  store_record(record("margin", "budget 0.5", "fp32", 4), records);
  store_record(record("max-prob", "budget 0.5", "fp32", 5), records);
  std::vector<int64_t> kept;
  for (const CalibrationRecord& one : records) kept.push_back(one.samples);
  EXPECT_THAT(kept, ElementsAre(2, 3, 4, 5));
}

}  // namespace
}  // namespace sooner
