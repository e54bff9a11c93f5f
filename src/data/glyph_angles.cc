#include "data/glyph_angles.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "data/glyph_symbols.h"

namespace sooner {
namespace {

constexpr std::array<std::string_view, 4> kSymbols = {"horseshoe", "wave", "bumps", "zigzag"};
constexpr uint64_t kAngleStream = 0xa41e;

// The first draws of a sample's stream.
struct Recipe {
  int32_t label;
  double difficulty;
  float degrees;
  uint64_t key;
};

Recipe recipe(Rng rng) {
  Recipe sample{};
  sample.label = static_cast<int32_t>(rng.below(kSymbols.size()));
  const double u = rng.uniform();
  sample.difficulty = u * u;
  sample.degrees = static_cast<float>(rng.uniform(-kMostGlyphAngle, kMostGlyphAngle));
  sample.key = rng.next();
  return sample;
}

int32_t glyph_label(std::string_view name) {
  const auto symbols = glyph_symbols();
  return static_cast<int32_t>(std::ranges::find(symbols, name, &GlyphSymbol::name) - symbols.begin());
}

}  // namespace

GlyphAngleSource::GlyphAngleSource(uint64_t seed, uint64_t stream, int64_t size)
    : DrawnSource("glyph-angles", kAngleStream, seed, stream, size) {}

int32_t GlyphAngleSource::label(int64_t index) const { return recipe(draws(index)).label; }

float GlyphAngleSource::target(int64_t index) const { return recipe(draws(index)).degrees; }

double GlyphAngleSource::difficulty(int64_t index) const { return recipe(draws(index)).difficulty; }

void GlyphAngleSource::read(int64_t index, std::span<uint8_t> pixels) const {
  const Recipe sample = recipe(draws(index));
  draw_glyph(glyph_label(kSymbols[static_cast<size_t>(sample.label)]), sample.difficulty, sample.key, pixels,
             static_cast<double>(sample.degrees));
}

std::vector<std::string> glyph_angle_names() { return {kSymbols.begin(), kSymbols.end()}; }

}  // namespace sooner
