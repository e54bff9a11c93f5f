#include "backend/common/layer_norm.h"

#include <gmock/gmock.h>

#include <cmath>
#include <vector>

namespace sooner {
namespace {

TEST(LayerNorm, CentresAndScalesByTheDeviation) {
  // Mean 2, variance (1 + 1 + 4) / 3 = 2.
  std::vector<float> dst(3);
  layer_norm(std::vector<float>{1, 1, 4}, 0.25, dst);
  EXPECT_FLOAT_EQ(dst[0], -1 / 1.5F);
  EXPECT_FLOAT_EQ(dst[1], -1 / 1.5F);
  EXPECT_FLOAT_EQ(dst[2], 2 / 1.5F);
}

TEST(LayerNorm, AnEvenVectorBecomesZero) {
  std::vector<float> values{7, 7};
  layer_norm(values, 1e-5, values);
  EXPECT_THAT(values, testing::ElementsAre(0, 0));
}

TEST(LayerNorm, LargeNumbersStayFinite) {
  std::vector<float> values{3e38F, -3e38F, 0};
  layer_norm(values, 1e-5, values);
  EXPECT_NEAR(values[0], std::sqrt(1.5), 1e-6);
  EXPECT_NEAR(values[1], -std::sqrt(1.5), 1e-6);
}

}  // namespace
}  // namespace sooner
