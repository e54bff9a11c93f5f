// 8-bit images as PNG files. Writes only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/shape.h"

namespace sooner {

// `pixels` are [C, H, W] with C 1 (grey) or 3 (RGB). Throws kInvalidArgument for other shapes or sizes.
std::vector<std::byte> encode_png(std::span<const uint8_t> pixels, const Shape& shape);

}  // namespace sooner
