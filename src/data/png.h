// PNG to pixels and back, in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/shape.h"
#include "data/picture.h"

namespace sooner {

// `pixels` is [C, H, W] of `shape`, C = 1 or 3. Throws kInvalidArgument when they do not fit.
std::vector<std::byte> encode_png(std::span<const uint8_t> pixels, const Shape& shape);

// Grey files give one channel, all others three; what is transparent is laid on black. `name` is the file's, for
// errors. Throws kDataLoss.
Picture decode_png(std::span<const std::byte> bytes, std::string_view name);

bool is_png(std::span<const std::byte> bytes);

}  // namespace sooner
