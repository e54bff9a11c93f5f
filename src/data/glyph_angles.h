// The built-in regression: some symbols of the glyphs, turned; asked for is by how much.
//
// The symbols are those whose angle can be seen. Left out are ring, box and cross, which a turn of 90 degrees or less
// brings onto themselves; wedge and fork, which one of 120 degrees nearly does, so that -60 and +60 look alike; and the
// coil, since turning a spiral is much the same as changing its size. Of the four left, wave and zigzag come again
// after 180 degrees, beyond the range. Difficulty hides the angle as it hides symbols, but for the shear, which turns
// strokes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/glyphs.h"

namespace sooner {

// Raised whenever what is drawn changes: part of the set's hash.
inline constexpr int kGlyphAngleVersion = 1;
// Targets lie within ± this, in degrees, clockwise.
inline constexpr double kMostGlyphAngle = 60;

class GlyphAngleSource final : public DrawnSource {
 public:
  GlyphAngleSource(uint64_t seed, uint64_t stream, int64_t size);

  // Which symbol, an index into glyph_angle_names(); uniform.
  [[nodiscard]] int32_t label(int64_t index) const override;
  // Degrees, uniform within the range whatever the symbol and the difficulty.
  [[nodiscard]] float target(int64_t index) const override;
  void read(int64_t index, std::span<uint8_t> pixels) const override;
  [[nodiscard]] double difficulty(int64_t index) const override;
};

std::vector<std::string> glyph_angle_names();

}  // namespace sooner
