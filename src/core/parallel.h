// A loop over many items on all cores, in blocks. For work done once over a large table; the engine has its own crew.
#pragma once

#include <cstdint>
#include <functional>

namespace sooner {

// Calls body(begin, end) for every block [begin, end) of `block` items of 0 … n-1 (the last one may be shorter), on at
// most as many threads as there are cores, in any order. Whoever keeps one result a block and joins them in order gets
// the same bits from any number of threads. The first exception thrown by a body is thrown again when all have stopped.
// REQUIRES: block > 0.
void for_each_block(int64_t n, int64_t block, const std::function<void(int64_t begin, int64_t end)>& body);

}  // namespace sooner
