#include "data/pixel_statistics.h"

#include "data/memory_source.h"
#include "support/data_files.h"

namespace sooner {
namespace {

TEST(PixelStatistics, MeasureEachChannel) {
  const MemorySource source({2, 1, 2}, {0, 255, 10, 10, 255, 0, 10, 10}, {0, 1});
  const PixelStatistics statistics = pixel_statistics(source, {2, 1, 2}, 100, 1);
  EXPECT_DOUBLE_EQ(statistics.mean[0], .5);
  EXPECT_DOUBLE_EQ(statistics.std[0], .5);
  EXPECT_DOUBLE_EQ(statistics.mean[1], 10 / 255.0);
  EXPECT_DOUBLE_EQ(statistics.std[1], 1 / 255.0);  // blank: one step, not zero
}

TEST(PixelStatistics, SampleLargeSourcesAlikeForTheSameSeed) {
  std::vector<uint8_t> pixels(1000);
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint8_t>(i % 251);
  const MemorySource source({1, 1, 1}, pixels, std::vector<int32_t>(1000));
  const auto mean = [&](int64_t limit, uint64_t seed) {
    return pixel_statistics(source, {1, 1, 1}, limit, seed).mean[0];
  };
  EXPECT_EQ(mean(50, 1), mean(50, 1));
  EXPECT_NE(mean(50, 1), mean(50, 2));
  EXPECT_NEAR(mean(500, 1), mean(1000, 1), .03);
}

}  // namespace
}  // namespace sooner
