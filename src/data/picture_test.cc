#include "data/picture.h"

#include "support/data_files.h"

#include <numeric>

namespace sooner {
namespace {

std::vector<uint8_t> fitted(const Picture& picture, const Shape& shape) {
  std::vector<uint8_t> out(static_cast<size_t>(element_count(shape)));
  fit_picture(picture, shape, out);
  return out;
}

TEST(Picture, BecomesGreyByTheWeightsOfJpeg) {
  const Picture grey = with_channels({{3, 1, 4}, {255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255}}, 1);
  EXPECT_EQ(grey.shape, (Shape{1, 1, 4}));
  EXPECT_EQ(grey.pixels, (std::vector<uint8_t>{76, 150, 29, 255}));
}

TEST(Picture, RepeatsGreyInColour) {
  const Picture colour = with_channels({{1, 1, 2}, {3, 4}}, 3);
  EXPECT_EQ(colour.shape, (Shape{3, 1, 2}));
  EXPECT_EQ(colour.pixels, (std::vector<uint8_t>{3, 4, 3, 4, 3, 4}));
}

TEST(Picture, StaysAsItIsWhenItFits) {
  EXPECT_EQ(fitted({{1, 2, 2}, {1, 2, 3, 4}}, {1, 2, 2}), (std::vector<uint8_t>{1, 2, 3, 4}));
}

TEST(Picture, LosesItsSidesWhenTooWide) {
  EXPECT_EQ(fitted({{1, 2, 4}, {1, 2, 3, 4, 5, 6, 7, 8}}, {1, 2, 2}), (std::vector<uint8_t>{2, 3, 6, 7}));
}

TEST(Picture, LosesItsTopAndBottomWhenTooHigh) {
  EXPECT_EQ(fitted({{1, 4, 2}, {1, 2, 3, 4, 5, 6, 7, 8}}, {1, 2, 2}), (std::vector<uint8_t>{3, 4, 5, 6}));
}

TEST(Picture, CountsEveryPixelWhenItShrinks) {
  // A fine checkerboard becomes even grey; picking single pixels would give black or white.
  Picture board{{1, 32, 32}, {}};
  for (int i = 0; i < 1024; ++i) board.pixels.push_back((i / 32 + i) % 2 == 0 ? 0 : 200);
  for (const uint8_t pixel : fitted(board, {1, 8, 8})) EXPECT_NEAR(pixel, 100, 8);
}

TEST(Picture, IsInterpolatedWhenItGrows) {
  // Output centres lie at source -.25, .25, .75, 1.25.
  EXPECT_EQ(fitted({{1, 2, 2}, {0, 100, 0, 100}}, {1, 4, 4}),
            (std::vector<uint8_t>{0, 25, 75, 100, 0, 25, 75, 100, 0, 25, 75, 100, 0, 25, 75, 100}));
}

TEST(Picture, KeepsFlatColoursAtEverySize) {
  for (const int64_t side : {1, 2, 5, 31, 32, 33, 100}) {
    Picture flat{{3, side, side + 7}, {}};
    for (const uint8_t value : std::vector<uint8_t>{10, 128, 255}) {
      flat.pixels.insert(flat.pixels.end(), static_cast<size_t>(side * (side + 7)), value);
    }
    const auto out = fitted(flat, {3, 8, 12});
    EXPECT_EQ(out[0], 10);
    EXPECT_EQ(out[96 + 50], 128);
    EXPECT_EQ(out[191 + 96], 255);
  }
}

}  // namespace
}  // namespace sooner
