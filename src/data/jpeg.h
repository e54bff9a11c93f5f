// JPEG to pixels, in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/shape.h"
#include "data/picture.h"

namespace sooner {

// Decodes to `channels` (1 or 3). The decoder may scale down on the way, by a power of two and as long as both sides
// stay at least `least_height` and `least_width`: far quicker for photographs that end as small images; 0 leaves the
// size alone. `name` is the file's, for errors. Throws kDataLoss for anything that is not a whole, sound, grey or
// colour JPEG.
Picture decode_jpeg(std::span<const std::byte> bytes, std::string_view name, int64_t channels, int64_t least_height = 0,
                    int64_t least_width = 0);

bool is_jpeg(std::span<const std::byte> bytes);

}  // namespace sooner
