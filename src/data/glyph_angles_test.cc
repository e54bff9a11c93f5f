#include "data/glyph_angles.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "data/glyph_symbols.h"
#include "data/glyphs.h"
#include "data/open_data_set.h"
#include "support/data_files.h"

namespace sooner {
namespace {

using Image = std::vector<uint8_t>;

TEST(GlyphAngles, DependOnSeedStreamAndIndexAlone) {
  const GlyphAngleSource source(1, 0, 1000), longer(1, 0, 2000), other_seed(2, 0, 1000), other_stream(1, 1, 1000);
  Image a(1024), b(1024);
  source.read(3, a);
  longer.read(3, b);
  EXPECT_EQ(a, b);
  EXPECT_EQ(source.target(3), longer.target(3));
  EXPECT_EQ(source.label(3), longer.label(3));
  EXPECT_NE(source.target(3), other_seed.target(3));
  EXPECT_NE(source.target(3), other_stream.target(3));
  expect_error(Code::kOutOfRange, {"1000"}, [&] { static_cast<void>(source.target(1000)); });
}

TEST(GlyphAngles, AreUniformInTheirRangeWhateverTheSymbolAndTheDifficulty) {
  const GlyphAngleSource source(1, 0, 20000);
  double sum = 0, squares = 0, hard = 0, of_symbol[4] = {};
  int count[4] = {}, hard_count = 0;
  for (int64_t i = 0; i < source.size(); ++i) {
    const double degrees = source.target(i);
    EXPECT_LE(std::abs(degrees), 60);
    sum += degrees / 20000;
    squares += degrees * degrees / 20000;
    of_symbol[source.label(i)] += degrees;
    ++count[source.label(i)];
    if (source.difficulty(i) < 0.5) continue;
    hard += degrees;
    ++hard_count;
  }
  // Uniform on +-60: deviation 60 / sqrt(3) = 34.6, so a mean of 20,000 lies within 1 nearly always, of 5,000 within 2.
  EXPECT_NEAR(sum, 0, 1);
  EXPECT_NEAR(std::sqrt(squares), 60 / std::sqrt(3.0), 0.5);
  EXPECT_NEAR(hard / hard_count, 0, 2);
  for (int s = 0; s < 4; ++s) {
    EXPECT_NEAR(count[s], 5000, 250);
    EXPECT_NEAR(of_symbol[s] / count[s], 0, 2);
  }
}

// Where the ink is, about its own middle, in image coordinates: [xx, xy, yy].
std::array<double, 3> moments(const Image& pixels) {
  double mass = 0, x = 0, y = 0;
  const auto each = [&](const auto& add) {
    for (int row = 0; row < 32; ++row) {
      for (int column = 0; column < 32; ++column)
        add(column, row, std::max(0, pixels[static_cast<size_t>(row * 32 + column)] - 100));
    }
  };
  each([&](int column, int row, int ink) { mass += ink, x += ink * column, y += ink * row; });
  std::array<double, 3> result{};
  each([&](int column, int row, int ink) {
    const double dx = column - x / mass, dy = row - y / mass;
    result[0] += ink * dx * dx / mass, result[1] += ink * dx * dy / mass, result[2] += ink * dy * dy / mass;
  });
  return result;
}

// Of the easiest zigzag, whose ink is longer one way than across: its long axis turns by as much as is asked for.
TEST(TurnedGlyph, StandsAtItsAngleAndTurnsClockwise) {
  const auto symbols = glyph_symbols();
  const auto zigzag = static_cast<int32_t>(std::ranges::find(symbols, "zigzag", &GlyphSymbol::name) - symbols.begin());
  const auto axis = [&](double degrees) {
    Image pixels(1024);
    draw_glyph(zigzag, 0, 5, pixels, degrees);
    const auto [xx, xy, yy] = moments(pixels);
    return std::atan2(2 * xy, xx - yy) / 2 * 180 / std::numbers::pi;
  };
  const double upright = axis(0);
  for (const double degrees : {-60.0, -25.0, 10.0, 45.0}) {
    const double turned = std::remainder(axis(degrees) - upright, 180);  // y points down: a growing angle is clockwise
    EXPECT_NEAR(turned, degrees, 3) << degrees;
  }
}

TEST(GlyphAngleSet, AsksForTheAngleAndKeepsTheSymbols) {
  const DataSet data = open_data_set({.name = "glyph-angles", .glyph_train = 300, .glyph_test = 100});
  ASSERT_TRUE(data.quantity);
  EXPECT_EQ(data.quantity->unit, "degrees");
  EXPECT_EQ(data.outputs(), 1);
  EXPECT_EQ(data.class_names, (std::vector<std::string>{"horseshoe", "wave", "bumps", "zigzag"}));
  const GlyphAngleSource drawn(1, 0, 300);
  EXPECT_EQ(data.train->target(7), drawn.target(7)) << "held in memory";
  EXPECT_NE(data.hash, open_data_set({.name = "glyphs", .glyph_train = 300, .glyph_test = 100}).hash);
  EXPECT_TRUE(std::isnan(open_data_set({.name = "glyphs", .glyph_train = 30, .glyph_test = 20}).train->target(0)));
}

}  // namespace
}  // namespace sooner
