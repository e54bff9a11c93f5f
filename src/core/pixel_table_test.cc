#include "core/pixel_table.h"

#include <gmock/gmock.h>

namespace sooner {
namespace {

TEST(PixelTable, GivesEveryChannelItsOwnScale) {
  const std::vector<double> mean{0.2, 0.5}, std{0.5, 0.25};
  const std::vector<uint8_t> pixels{0, 51, 255, 0};
  std::vector<float> numbers(4);
  PixelTable(mean, std).convert(pixels, numbers);
  EXPECT_THAT(numbers, testing::ElementsAre(testing::FloatEq(-0.4F), testing::FloatNear(0, 1e-7F), testing::FloatEq(2),
                                            testing::FloatEq(-2)));
}

}  // namespace
}  // namespace sooner
