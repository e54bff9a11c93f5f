// The ten symbols of the built-in set, as strokes in the square [-1, 1]^2 (x to the right, y down).
//
// A symbol is what makes a class; how a sample of it is bent, hidden and soiled is the business of glyphs.cc.
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

namespace sooner {

struct GlyphPoint {
  float x = 0, y = 0;
};

struct GlyphSymbol {
  std::string_view name;
  std::vector<std::vector<GlyphPoint>> strokes;  // polylines with points at most ~0.25 apart, so that they can be bent
  // Where the symbol shows what it is (ends, corners, gaps): kept free of clutter, so that every drawing has one
  // answer.
  std::vector<GlyphPoint> key_points;
};

inline constexpr int kGlyphClasses = 10;

// Class order: ring, horseshoe, coil, wave, bumps, zigzag, box, wedge, fork, cross.
std::span<const GlyphSymbol, kGlyphClasses> glyph_symbols();

}  // namespace sooner
