#include "format/preprocess.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "support/message_of.h"

namespace sooner {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Two channels of two pixels each.
Preprocessing two_channels() { return {.image_shape = {2, 1, 2}, .mean = {0.5, 0}, .std = {0.25, 2}}; }

TEST(Preprocess, TakesEachChannelsOwnMeanAndDeviation) {
  const std::vector<uint8_t> pixels{0, 255, 255, 51, 255, 0, 0, 102};
  EXPECT_THAT(preprocess(two_channels(), pixels), ElementsAre(-2.0F, 2.0F, 0.5F, 0.1F, 2.0F, -2.0F, 0.0F, 0.2F));
}

TEST(Preprocess, OfNoPixelsIsNothing) { EXPECT_THAT(preprocess(two_channels(), {}), IsEmpty()); }

TEST(Preprocess, RefusesHalfAPictureAndMissingMeans) {
  const std::vector<uint8_t> pixels(6);
  EXPECT_EQ(message_of(Code::kInvalidArgument, [&] { preprocess(two_channels(), pixels); }),
            "[preprocess] got 6 pixels, expected whole pictures of 2x1x2");
  Preprocessing lacking = two_channels();
  lacking.mean.pop_back();
  EXPECT_EQ(message_of(Code::kInvalidArgument, [&] { preprocess(lacking, {}); }),
            "[preprocess] got 1 means and 2 deviations, expected one of each for 2 channels");
}

}  // namespace
}  // namespace sooner
