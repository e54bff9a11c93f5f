// Where the intermediate values of a stage lie in scratch: each for as long as it is read, then its place is free for
// another. Plain arithmetic on lifetimes and sizes.
#pragma once

#include <cstddef>
#include <vector>

namespace sooner::onednn {

struct Lifetime {
  size_t first_step = 0;  // that writes it
  size_t last_step = 0;   // that reads it, or writes it again
  size_t bytes = 0;
};

struct MemoryPlan {
  std::vector<size_t> offsets;  // by value, multiples of 64 bytes
  size_t bytes = 0;             // of all
};

// Values whose lifetimes meet, even in one step, never overlap. First fit, the largest value first.
MemoryPlan plan_memory(const std::vector<Lifetime>& values);

}  // namespace sooner::onednn
