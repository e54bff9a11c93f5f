#include "data/glyphs.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "data/glyph_symbols.h"
#include "support/data_files.h"

namespace sooner {
namespace {

using Image = std::vector<uint8_t>;

Image draw(int32_t label, double difficulty, uint64_t key) {
  Image pixels(1024);
  draw_glyph(label, difficulty, key, pixels);
  return pixels;
}

TEST(GlyphSymbols, AreTenNamedOnesInsideTheirSquare) {
  std::set<std::string_view> names;
  for (const GlyphSymbol& symbol : glyph_symbols()) {
    names.insert(symbol.name);
    EXPECT_FALSE(symbol.key_points.empty());
    for (const auto& stroke : symbol.strokes) {
      ASSERT_GE(stroke.size(), 2U);
      for (size_t i = 0; i < stroke.size(); ++i) {
        EXPECT_LE(std::max(std::abs(stroke[i].x), std::abs(stroke[i].y)), 1.0F) << symbol.name;
        if (i > 0) {
          EXPECT_LE(std::hypot(stroke[i].x - stroke[i - 1].x, stroke[i].y - stroke[i - 1].y), 0.3F) << symbol.name;
        }
      }
    }
  }
  EXPECT_EQ(names.size(), 10U);
}

TEST(Glyphs, DependOnSeedStreamAndIndexAlone) {
  const GlyphSource source(1, 0, 1000), longer(1, 0, 2000), other_seed(2, 0, 1000), other_stream(1, 1, 1000);
  Image a(1024), b(1024), c(1024), d(1024);
  source.read(999, a);
  source.read(3, b);
  longer.read(3, c);
  EXPECT_EQ(b, c);
  EXPECT_NE(a, b);
  EXPECT_EQ(source.label(3), longer.label(3));
  EXPECT_EQ(source.difficulty(3), longer.difficulty(3));
  other_seed.read(3, c);
  other_stream.read(3, d);
  EXPECT_NE(b, c);
  EXPECT_NE(b, d);
  EXPECT_NE(c, d);
}

TEST(Glyphs, AreUniformInLabelsAndMostlyEasy) {
  const GlyphSource source(1, 0, 20000);
  std::vector<int> labels(10);
  int easy = 0, hard = 0;
  for (int64_t i = 0; i < source.size(); ++i) {
    ++labels[static_cast<size_t>(source.label(i))];
    const double difficulty = source.difficulty(i);
    ASSERT_GE(difficulty, 0);
    ASSERT_LE(difficulty, 1);
    easy += difficulty < .25 ? 1 : 0;
    hard += difficulty > .81 ? 1 : 0;
  }
  for (const int count : labels) EXPECT_NEAR(count, 2000, 200);
  EXPECT_NEAR(easy, 10000, 400);
  EXPECT_NEAR(hard, 2000, 200);
}

TEST(Glyphs, CanBeMillionsWithoutMemory) {
  const GlyphSource source(1, 5, int64_t{1} << 40);
  Image pixels(1024);
  source.read((int64_t{1} << 40) - 1, pixels);
  EXPECT_GT(std::accumulate(pixels.begin(), pixels.end(), 0), 0);
}

// Ink is what stands out from the paper: the darkest and the brightest tenth.
double contrast_of(Image pixels) {
  std::sort(pixels.begin(), pixels.end());
  const double dark = std::accumulate(pixels.begin(), pixels.begin() + 100, 0.0) / 100;
  const double bright = std::accumulate(pixels.end() - 50, pixels.end(), 0.0) / 50;
  return (bright - dark) / 255;
}

// Share of pixels that agree, after threshold, with the mean drawing of each class at difficulty 0: nearest of ten.
int32_t nearest_class(const Image& image) {
  static const std::vector<std::vector<double>> means = [] {
    std::vector<std::vector<double>> all(10, std::vector<double>(1024));
    for (int32_t label = 0; label < 10; ++label) {
      for (uint64_t key = 0; key < 100; ++key) {
        const Image drawn = draw(label, 0, 1000 + key);
        for (size_t i = 0; i < 1024; ++i) all[static_cast<size_t>(label)][i] += drawn[i] / 100.0;
      }
    }
    return all;
  }();
  int32_t best = 0;
  double least = 1e18;
  for (int32_t label = 0; label < 10; ++label) {
    double distance = 0;
    for (size_t i = 0; i < 1024; ++i) {
      distance += std::pow(image[i] - means[static_cast<size_t>(label)][i], 2);
    }
    if (distance < least) {
      least = distance;
      best = label;
    }
  }
  return best;
}

TEST(Glyphs, AreToldApartByTheirMeansWhenEasyAndLessSoWhenHard) {
  std::vector<int> right(3);
  const std::vector<double> difficulties = {0, .5, 1};
  for (size_t d = 0; d < 3; ++d) {
    for (uint64_t key = 0; key < 300; ++key) {
      const auto label = static_cast<int32_t>(key % 10);
      right[d] += nearest_class(draw(label, difficulties[d], 50000 + key)) == label ? 1 : 0;
    }
  }
  EXPECT_GT(right[0], 285);
  EXPECT_LT(right[1], right[0] - 30);
  EXPECT_LT(right[2], right[1]);
}

TEST(Glyphs, LoseContrastAsTheyGetHarder) {
  double easy = 0, hard = 0;
  for (uint64_t key = 0; key < 50; ++key) {
    easy += contrast_of(draw(3, 0, key)) / 50;
    hard += contrast_of(draw(3, .7, key)) / 50;
  }
  EXPECT_GT(easy, .75);
  EXPECT_LT(hard, easy - .1);
}

TEST(Glyphs, DrawTheSamePictureAsEver) {
  // Coarse enough to stand a difference in rounding: mean brightness of the four quarters of one hard drawing.
  // When the drawing is changed on purpose, raise kGlyphVersion and write these down anew.
  const Image image = draw(2, .6, 42);
  std::vector<double> quarters(4);
  for (size_t i = 0; i < 1024; ++i) quarters[(i / 512) * 2 + (i % 32) / 16] += image[i] / 256.0;
  EXPECT_EQ(kGlyphVersion, 1);
  EXPECT_NEAR(quarters[0], 35.0, .5);
  EXPECT_NEAR(quarters[1], 48.0, .5);
  EXPECT_NEAR(quarters[2], 48.1, .5);
  EXPECT_NEAR(quarters[3], 61.1, .5);
}

Image draw_pair(int32_t label, double difficulty, uint64_t key) {
  Image pixels(1024);
  draw_glyph_pair(label, difficulty, key, pixels);
  return pixels;
}

TEST(GlyphPairs, AreAHundredNamedClassesAlikeInNumber) {
  const std::vector<std::string> names = glyph_pair_names();
  ASSERT_EQ(names.size(), 100U);
  EXPECT_EQ(names[0], "ring+ring");
  EXPECT_EQ(names[35], "wave+zigzag");
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), 100U);
  const GlyphPairSource source(1, 0, 50000);
  std::vector<int> labels(100);
  for (int64_t i = 0; i < source.size(); ++i) ++labels[static_cast<size_t>(source.label(i))];
  for (const int count : labels) EXPECT_NEAR(count, 500, 110);
}

// The upper left tells the first symbol, whatever the second one is, and the lower right the second.
TEST(GlyphPairs, EachCornerShowsASymbolOfItsOwn) {
  const auto corner = [](const Image& image, bool second) {
    std::vector<double> part;
    for (size_t y = 0; y < 16; ++y) {
      for (size_t x = 0; x < 16; ++x) part.push_back(image[(y + (second ? 16 : 0)) * 32 + x + (second ? 16 : 0)]);
    }
    return part;
  };
  for (const bool second : {false, true}) {
    std::vector<std::vector<double>> means(10, std::vector<double>(256));
    const auto label_of = [&](int32_t own, uint64_t key) {
      const auto other = static_cast<int32_t>(key % 10);
      return second ? 10 * other + own : 10 * own + other;
    };
    for (int32_t own = 0; own < 10; ++own) {
      for (uint64_t key = 0; key < 100; ++key) {
        const std::vector<double> part = corner(draw_pair(label_of(own, key), 0, 1000 + key), second);
        for (size_t i = 0; i < 256; ++i) means[static_cast<size_t>(own)][i] += part[i] / 100;
      }
    }
    int right = 0;
    for (uint64_t key = 0; key < 300; ++key) {
      const auto own = static_cast<int32_t>(key / 10 % 10);
      const std::vector<double> part = corner(draw_pair(label_of(own, key), 0, 50000 + key), second);
      std::vector<double> distances;
      for (const std::vector<double>& mean : means) {
        double sum = 0;
        for (size_t i = 0; i < 256; ++i) sum += std::pow(part[i] - mean[i], 2);
        distances.push_back(sum);
      }
      right += std::min_element(distances.begin(), distances.end()) - distances.begin() == own ? 1 : 0;
    }
    EXPECT_GT(right, 270) << second;
  }
}

TEST(GlyphPairs, RefuseWhatTheyCannotDraw) {
  Image pixels(1024);
  expect_error(Code::kInvalidArgument, {"[glyph-pairs]", "label 100"}, [&] { draw_glyph_pair(100, 0, 1, pixels); });
  expect_error(Code::kOutOfRange, {"[glyph-pairs]", "sample 5"}, [&] { GlyphPairSource(1, 0, 5).read(5, pixels); });
}

TEST(Glyphs, RefuseWhatTheyCannotDraw) {
  Image pixels(1024);
  expect_error(Code::kInvalidArgument, {"label 10"}, [&] { draw_glyph(10, 0, 1, pixels); });
  expect_error(Code::kInvalidArgument, {"difficulty 1.5"}, [&] { draw_glyph(0, 1.5, 1, pixels); });
  expect_error(Code::kInvalidArgument, {"nan"}, [&] { draw_glyph(0, NAN, 1, pixels); });
  expect_error(Code::kInvalidArgument, {"3 bytes"}, [&] { draw_glyph(0, 0, 1, std::span(pixels).first(3)); });
  expect_error(Code::kOutOfRange, {"sample 5", "0 to 4"}, [&] { GlyphSource(1, 0, 5).read(5, pixels); });
  expect_error(Code::kOutOfRange, {"sample -1"}, [&] { static_cast<void>(GlyphSource(1, 0, 5).label(-1)); });
}

}  // namespace
}  // namespace sooner
