// Random changes to training images: flip, pad-crop, small affine.
#pragma once

#include <cstdint>
#include <span>

#include "core/rng.h"
#include "core/shape.h"

namespace sooner {

// All off by default.
struct AugmentOptions {
  bool flip = false;             // left-right, probability 1/2
  int32_t pad_crop = 0;          // shift by up to this many pixels each way, zeros (black) coming in
  double rotate_degrees = 0;     // uniform in [-x, x]
  double scale = 0;              // factor uniform in [1 - x, 1 + x]
  double shear = 0;              // uniform in [-x, x], columns per row
  double translate = 0;          // uniform in [-x, x] of each side
  [[nodiscard]] bool any() const {
    return flip || pad_crop > 0 || rotate_degrees > 0 || scale > 0 || shear > 0 || translate > 0;
  }
};

// Changes one image [C, H, W] in place; `work` is as large. Bilinear, black outside.
void augment_image(std::span<uint8_t> pixels, std::span<uint8_t> work, const Shape& shape, const AugmentOptions& options,
                   Rng& rng);

}  // namespace sooner
