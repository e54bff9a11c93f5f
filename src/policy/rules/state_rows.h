// A policy's state as rows of one float per class.
#pragma once

#include <cstddef>
#include <span>

namespace sooner {

// Bytes of `rows` rows [C], rounded up to a multiple of 8.
inline size_t state_rows_bytes(size_t rows, size_t classes) { return (rows * classes * sizeof(float) + 7) / 8 * 8; }

// Row `row` [C] of a state. REQUIRES: the state holds it and begins where a float may.
inline std::span<float> state_row(std::span<std::byte> state, size_t row, size_t classes) {
  return {reinterpret_cast<float*>(state.data()) + row * classes, classes};
}

}  // namespace sooner
