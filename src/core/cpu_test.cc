#include "core/cpu.h"

#include <gtest/gtest.h>

namespace sooner {
namespace {

TEST(CpuFeatures, AreNamedInOneLine) {
  CpuFeatures features;
  EXPECT_EQ(to_string(features), "baseline");
  features.avx2 = true;
  features.avx512 = true;
  features.avx512_vnni = true;
  EXPECT_EQ(to_string(features), "avx2 avx512 vnni");
  EXPECT_FALSE(features.has_fast_bf16());
  features.amx_bf16 = true;
  EXPECT_TRUE(features.has_fast_bf16());
}

TEST(CpuFeatures, ImplyWhatTheyBuildOn) {
  const CpuFeatures& features = cpu_features();
  EXPECT_TRUE(features.avx512 || !(features.avx512_bf16 || features.avx512_vnni || features.amx_bf16));
  EXPECT_EQ(&features, &cpu_features());
}

TEST(CpuCount, IsAtLeastOne) {
  EXPECT_GE(cpu_count(), 1);
  EXPECT_FALSE(cpu_name().empty());
}

}  // namespace
}  // namespace sooner
