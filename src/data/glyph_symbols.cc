#include "data/glyph_symbols.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace sooner {
namespace {

constexpr float kStep = 0.24F;
using Stroke = std::vector<GlyphPoint>;

// From angle `from` to angle `to` in degrees (0 is right, 90 is down), the radius going from one value to the other.
Stroke arc(GlyphPoint centre, float radius_from, float radius_to, float from, float to) {
  constexpr float kRadian = std::numbers::pi_v<float> / 180;
  const float length = std::abs(to - from) * kRadian * std::max(radius_from, radius_to);
  const int pieces = std::max(2, static_cast<int>(std::ceil(length / kStep)));
  Stroke stroke;
  for (int i = 0; i <= pieces; ++i) {
    const float t = static_cast<float>(i) / static_cast<float>(pieces);
    const float angle = (from + (to - from) * t) * kRadian;
    const float radius = radius_from + (radius_to - radius_from) * t;
    stroke.push_back({centre.x + radius * std::cos(angle), centre.y + radius * std::sin(angle)});
  }
  return stroke;
}

Stroke lines(const std::vector<GlyphPoint>& corners) {
  Stroke stroke = {corners.front()};
  for (size_t i = 1; i < corners.size(); ++i) {
    const GlyphPoint a = corners[i - 1], b = corners[i];
    const int pieces = std::max(1, static_cast<int>(std::ceil(std::hypot(b.x - a.x, b.y - a.y) / kStep)));
    for (int p = 1; p <= pieces; ++p) {
      const float t = static_cast<float>(p) / static_cast<float>(pieces);
      stroke.push_back({a.x + (b.x - a.x) * t, a.y + (b.y - a.y) * t});
    }
  }
  return stroke;
}

std::array<GlyphSymbol, kGlyphClasses> make_symbols() {
  return {{
      {"ring", {arc({0, 0}, .85F, .85F, 0, 360)}, {{.85F, 0}, {-.85F, 0}, {0, .85F}, {0, -.85F}}},
      {"horseshoe",
       {arc({0, 0}, .85F, .85F, 42, 318)},
       {{.85F, 0}, {.63F, .57F}, {.63F, -.57F}, {.95F, .25F}, {.95F, -.25F}}},
      {"coil", {arc({0, 0}, .95F, .16F, 20, 20 + 540)}, {{.85F, .4F}, {.45F, 0}, {0, 0}, {-.4F, 0}}},
      {"wave",
       {arc({0, -.45F}, .48F, .48F, -20, -270), arc({0, .45F}, .48F, .48F, -90, 160)},
       {{.45F, -.6F}, {-.45F, .6F}, {0, 0}, {-.48F, -.45F}, {.48F, .45F}}},
      {"bumps",
       {arc({-.1F, -.45F}, .46F, .46F, -150, 90), arc({-.1F, .45F}, .46F, .46F, -90, 150)},
       {{-.5F, -.68F}, {-.5F, .68F}, {-.1F, 0}, {.36F, -.45F}, {.36F, .45F}}},
      {"zigzag",
       {lines({{-.7F, -.8F}, {.7F, -.8F}, {-.7F, .8F}, {.7F, .8F}})},
       {{-.7F, -.8F}, {.7F, -.8F}, {0, 0}, {-.7F, .8F}, {.7F, .8F}}},
      {"box",
       {lines({{-.75F, -.75F}, {.75F, -.75F}, {.75F, .75F}, {-.75F, .75F}, {-.75F, -.75F}})},
       {{-.75F, -.75F}, {.75F, -.75F}, {.75F, .75F}, {-.75F, .75F}}},
      {"wedge", {lines({{0, -.85F}, {.85F, .7F}, {-.85F, .7F}, {0, -.85F}})}, {{0, -.85F}, {.85F, .7F}, {-.85F, .7F}}},
      {"fork",
       {lines({{0, 0}, {0, .95F}}), lines({{-.82F, -.6F}, {0, 0}, {.82F, -.6F}})},
       {{0, 0}, {0, .95F}, {-.82F, -.6F}, {.82F, -.6F}, {0, -.6F}}},
      {"cross",
       {lines({{0, -.92F}, {0, .92F}}), lines({{-.92F, 0}, {.92F, 0}})},
       {{0, 0}, {0, -.92F}, {0, .92F}, {-.92F, 0}, {.92F, 0}}},
  }};
}

}  // namespace

std::span<const GlyphSymbol, kGlyphClasses> glyph_symbols() {
  static const std::array<GlyphSymbol, kGlyphClasses> symbols = make_symbols();
  return symbols;
}

}  // namespace sooner
