// Refuses to ask for more memory than the machine has: a network's extents may come from a foreign file, and memory
// that was promised but is not there ends the process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/shape.h"

namespace sooner {

// Throws kResourceExhausted when `bytes` is more than the physical memory.
void expect_memory(std::string_view place, double bytes);

// Throws kResourceExhausted when the sizes of `shapes`, each for `batch_max` fp32 samples, cannot be added up safely.
void expect_countable(const std::vector<Shape>& shapes, int32_t batch_max);

}  // namespace sooner
