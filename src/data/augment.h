// Random changes to training images: flip, pad-crop, small affine, cutout. They work on one image at a time.
//
// Applied in the order of the fields below; the affine parts are one map, so the image is interpolated once.
#pragma once

#include <cstdint>
#include <span>

#include "core/shape.h"

namespace sooner {

// All off by default (0 or false). Each amount is drawn anew for every image and epoch.
struct AugmentOptions {
  bool flip = false;             // left-right, probability 1/2
  bool alternate_flips = false;  // flip by chance in the first epoch alone, then in every other one (Jordan, 2024)
  int32_t pad_crop = 0;          // shift by up to this many pixels each way, zeros (black) coming in
  double rotate_degrees = 0;     // uniform in [-x, x], about the centre
  double scale = 0;              // factor uniform in [1 - x, 1 + x]
  double shear = 0;              // uniform in [-x, x], columns per row
  double translate = 0;          // uniform in [-x, x] of each side
  int32_t cutout = 0;  // side of a square about a uniform centre that turns to the mean colour (DeVries, 2017)
  [[nodiscard]] bool any() const {
    return flip || pad_crop > 0 || rotate_degrees > 0 || scale > 0 || shear > 0 || translate > 0 || cutout > 0;
  }
};

// Names one image's draws, whoever makes them and in whatever order.
struct AugmentDraw {
  uint64_t seed = 1;
  int64_t epoch = 0;
  int64_t sample = 0;
};

// Throws kInvalidArgument for a negative, non-finite or senseless amount for images of `shape` [C, H, W].
void check_augment_options(const AugmentOptions& options, const Shape& shape);

// Changes one image [C, H, W] in place, all but cutout; `work` is as large. Bilinear, black outside. REQUIRES: checked
// options.
void augment_image(std::span<uint8_t> pixels, std::span<uint8_t> work, const Shape& shape,
                   const AugmentOptions& options, const AugmentDraw& draw);

// Cutout, of the same image in floats [C, H, W] whose mean colour is 0. The square is cut off at the borders.
void cut_out(std::span<float> image, const Shape& shape, int32_t side, const AugmentDraw& draw);

}  // namespace sooner
