// One decoded image file, and fitting it to the size a network takes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/shape.h"

namespace sooner {

struct Picture {
  Shape shape;                  // [C, H, W], C = 1 (grey) or 3 (red, green, blue)
  std::vector<uint8_t> pixels;  // in that order
  Shape stored = {};            // as the file has it, before anything was scaled or converted
};

// The same picture with `channels` channels: grey is repeated, colour is weighed as in JPEG (.299, .587, .114).
Picture with_channels(Picture picture, int64_t channels);

// Scales so that the picture just covers [H, W] of `shape` (for a square: its shorter side), takes the middle, and
// writes it to `out` [C, H, W]. Bilinear where it grows; where it shrinks every source pixel counts. REQUIRES: same
// channels.
void fit_picture(const Picture& picture, const Shape& shape, std::span<uint8_t> out);

}  // namespace sooner
