#include "data/augment.h"

#include "support/data_files.h"

#include <map>
#include <numeric>

namespace sooner {
namespace {

std::vector<uint8_t> augmented(std::vector<uint8_t> pixels, const Shape& shape, const AugmentOptions& options,
                               uint64_t seed) {
  check_augment_options(options, shape);
  std::vector<uint8_t> work(pixels.size());
  augment_image(pixels, work, shape, options, {.seed = seed});
  return pixels;
}

TEST(Augment, ChangesNothingWhenOff) {
  EXPECT_FALSE(AugmentOptions{}.any());
  EXPECT_EQ(augmented({1, 2, 3, 4}, {1, 2, 2}, {}, 1), (std::vector<uint8_t>{1, 2, 3, 4}));
}

TEST(Augment, FlipsEveryRowOfEveryChannelInHalfOfTheDraws) {
  const std::vector<uint8_t> image = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  const std::vector<uint8_t> mirrored = {3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10};
  int flipped = 0;
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    const auto got = augmented(image, {2, 2, 3}, {.flip = true}, seed);
    if (got != image) {
      ASSERT_EQ(got, mirrored);
      ++flipped;
    }
  }
  EXPECT_NEAR(flipped, 500, 60);
}

TEST(Augment, AlternatesFlipsFromAFirstEpochByChance) {
  const AugmentOptions options{.flip = true, .alternate_flips = true};
  int first = 0;
  for (int64_t sample = 0; sample < 1000; ++sample) {
    const auto flipped = [&](int64_t epoch) {
      std::vector<uint8_t> pixels = {1, 2}, work(2);
      augment_image(pixels, work, {1, 1, 2}, options, {.seed = 5, .epoch = epoch, .sample = sample});
      return pixels[0] == 2;
    };
    const bool at_first = flipped(0);
    first += at_first ? 1 : 0;
    EXPECT_EQ(flipped(1), !at_first);
    EXPECT_EQ(flipped(2), at_first);
    EXPECT_EQ(flipped(7), !at_first);
  }
  EXPECT_NEAR(first, 500, 60);
}

TEST(Augment, CutsASquareOutOfEveryChannelThatBordersMayShorten) {
  const Shape shape{2, 6, 8};
  std::map<int64_t, int> areas;
  std::vector<int> covered(48);
  for (int64_t sample = 0; sample < 4800; ++sample) {
    std::vector<float> image(96, 1.0F);
    cut_out(image, shape, 3, {.seed = 2, .epoch = 1, .sample = sample});
    int64_t area = 0;
    for (size_t i = 0; i < 48; ++i) {
      ASSERT_EQ(image[i], image[48 + i]);
      area += image[i] == 0 ? 1 : 0;
      covered[i] += image[i] == 0 ? 1 : 0;
    }
    ++areas[area];
  }
  // Whole within, two rows or columns at a border, both in a corner.
  EXPECT_EQ(areas.size(), 3U);
  EXPECT_NEAR(areas[9], 4800 * 4 * 6 / 48, 200);
  EXPECT_NEAR(areas[6], 4800 * 20 / 48, 200);
  EXPECT_NEAR(areas[4], 4800 * 4 / 48, 100);
  EXPECT_NEAR(covered[0], 400, 80);           // by four of the 48 centres
  EXPECT_NEAR(covered[2 * 8 + 3], 900, 120);  // by nine
}

TEST(Augment, ShiftsByEveryAmountAlikeAndFillsWithBlack) {
  // A single white pixel in the middle of 5x5 shows where the image went.
  std::vector<uint8_t> image(50);
  image[12] = 255;
  image[25 + 12] = 100;
  std::map<std::ptrdiff_t, int> places;
  for (uint64_t seed = 0; seed < 2500; ++seed) {
    const auto got = augmented(image, {2, 5, 5}, {.pad_crop = 2}, seed);
    EXPECT_EQ(std::accumulate(got.begin(), got.end(), 0), 355);
    const auto at = std::find(got.begin(), got.end(), 255) - got.begin();
    ASSERT_LT(at, 25);
    EXPECT_EQ(got[static_cast<size_t>(25 + at)], 100);
    ++places[at];
  }
  EXPECT_EQ(places.size(), 25U);
  for (const auto& [place, count] : places) EXPECT_NEAR(count, 100, 50) << place;
}

TEST(Augment, ShiftsRowsAsAWhole) {
  const std::vector<uint8_t> image = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  // Down by one and right by one.
  const std::vector<uint8_t> expected = {0, 0, 0, 0, 1, 2, 0, 4, 5};
  bool seen = false;
  for (uint64_t seed = 0; seed < 200; ++seed)
    seen = seen || augmented(image, {1, 3, 3}, {.pad_crop = 1}, seed) == expected;
  EXPECT_TRUE(seen);
}

TEST(Augment, KeepsTheCentreWhenItTurnsAndScales) {
  std::vector<uint8_t> image(81);
  image[40] = 200;  // the centre of 9x9
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const auto got = augmented(image, {1, 9, 9}, {.rotate_degrees = 45, .scale = .2, .shear = .2}, seed);
    EXPECT_NEAR(got[40], 200, 1);
  }
}

TEST(Augment, TurnsByUpToTheAngle) {
  // A bright pixel 4 right of the centre moves along a circle: at most 30 degrees, 2 rows.
  std::vector<uint8_t> image(121);
  image[60 + 4] = 255;
  double lowest = 0, highest = 0;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const auto got = augmented(image, {1, 11, 11}, {.rotate_degrees = 30}, seed);
    double sum = 0, rows = 0;
    for (int i = 0; i < 121; ++i) {
      sum += got[static_cast<size_t>(i)];
      rows += got[static_cast<size_t>(i)] * (i / 11 - 5.0);
    }
    const double row = rows / sum;
    lowest = std::min(lowest, row);
    highest = std::max(highest, row);
  }
  EXPECT_NEAR(highest, 2, .3);
  EXPECT_NEAR(lowest, -2, .3);
}

TEST(Augment, MovesByUpToTheShare) {
  std::vector<uint8_t> image(121);
  image[60] = 255;
  double farthest = 0;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const auto got = augmented(image, {1, 11, 11}, {.translate = .2}, seed);
    double sum = 0, columns = 0;
    for (int i = 0; i < 121; ++i) {
      sum += got[static_cast<size_t>(i)];
      columns += got[static_cast<size_t>(i)] * (i % 11 - 5.0);
    }
    EXPECT_NEAR(sum, 255, 4);  // rounding of four neighbours
    farthest = std::max(farthest, std::abs(columns / sum));
  }
  EXPECT_NEAR(farthest, 2.2, .15);
}

TEST(Augment, InterpolatesAlikeInAllChannels) {
  std::vector<uint8_t> image(3 * 49);
  for (size_t i = 0; i < 49; ++i) image[i] = image[49 + i] = image[98 + i] = static_cast<uint8_t>(5 * i);
  const auto got = augmented(image, {3, 7, 7}, {.rotate_degrees = 15, .scale = .1, .shear = .1, .translate = .1}, 4);
  EXPECT_TRUE(std::equal(got.begin(), got.begin() + 49, got.begin() + 49));
  EXPECT_TRUE(std::equal(got.begin(), got.begin() + 49, got.begin() + 98));
  EXPECT_FALSE(std::equal(got.begin(), got.begin() + 49, image.begin()));
}

TEST(Augment, DependsOnItsGeneratorAlone) {
  std::vector<uint8_t> image(64);
  std::iota(image.begin(), image.end(), uint8_t{1});
  const AugmentOptions all{
      .flip = true, .pad_crop = 2, .rotate_degrees = 10, .scale = .1, .shear = .1, .translate = .1};
  EXPECT_TRUE(all.any());
  EXPECT_EQ(augmented(image, {1, 8, 8}, all, 5), augmented(image, {1, 8, 8}, all, 5));
  EXPECT_NE(augmented(image, {1, 8, 8}, all, 5), augmented(image, {1, 8, 8}, all, 6));
}

TEST(Augment, SurvivesTheLargestAmountsOnTheSmallestImages) {
  const AugmentOptions wild{.flip = true, .rotate_degrees = 180, .scale = .9, .shear = 2, .translate = 1};
  for (uint64_t seed = 0; seed < 200; ++seed) {
    augmented({9}, {1, 1, 1}, wild, seed);
    augmented({1, 2, 3, 4, 5}, {1, 1, 5}, wild, seed);
    augmented({1, 2, 3, 4, 5, 6}, {1, 3, 2}, {.pad_crop = 1, .rotate_degrees = 90, .translate = 1}, seed);
  }
}

TEST(Augment, RefusesSenselessAmounts) {
  const Shape shape = {1, 8, 8};
  expect_error(Code::kInvalidArgument, {"pad_crop", "8", "7"}, [&] { check_augment_options({.pad_crop = 8}, shape); });
  expect_error(Code::kInvalidArgument, {"pad_crop", "-1"}, [&] { check_augment_options({.pad_crop = -1}, shape); });
  expect_error(Code::kInvalidArgument, {"cutout", "9", "8"}, [&] { check_augment_options({.cutout = 9}, shape); });
  expect_error(Code::kInvalidArgument, {"flip is off"},
               [&] { check_augment_options({.alternate_flips = true}, shape); });
  expect_error(Code::kInvalidArgument, {"scale", "1.5"}, [&] { check_augment_options({.scale = 1.5}, shape); });
  expect_error(Code::kInvalidArgument, {"shear", "nan"}, [&] { check_augment_options({.shear = NAN}, shape); });
  expect_error(Code::kInvalidArgument, {"rotate_degrees"},
               [&] { check_augment_options({.rotate_degrees = 181}, shape); });
  expect_error(Code::kInvalidArgument, {"translate"}, [&] { check_augment_options({.translate = -.1}, shape); });
}

}  // namespace
}  // namespace sooner
