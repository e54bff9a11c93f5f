// A few samples that stand for many: spread evenly, not from the beginning, which in a folder is one class.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sooner {

// `count` of `indices` in their order, the middles of `count` equal parts; all of them where there are no more.
// REQUIRES: count >= 0.
std::vector<int64_t> spread_over(std::span<const int64_t> indices, int64_t count);

}  // namespace sooner
