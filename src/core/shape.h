// Shapes of tensors, as plain lists of extents. Per-sample shapes leave the batch out: [C, H, W] or [F].
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sooner {

using Shape = std::vector<int64_t>;

// Product of the extents (1 for a scalar). Throws kInvalidArgument on a negative extent or a product over 2^62.
int64_t element_count(const Shape& shape);

// "3x32x32"; "scalar" when empty.
std::string to_string(const Shape& shape);

}  // namespace sooner
