// Counts the memory that tensors take on this thread while it lives: what a training step needs beyond the weights.
// On the CPU; what LibTorch's libraries allocate past its allocator is not seen.
#pragma once

#include <cstdint>
#include <memory>

#include "graph/graph.h"
#include "train/compute_mode.h"

namespace sooner {

class StepMemory {
 public:
  StepMemory();
  ~StepMemory();
  StepMemory(const StepMemory&) = delete;
  StepMemory& operator=(const StepMemory&) = delete;

  // Most bytes held at once so far, beyond those held at the start.
  [[nodiscard]] int64_t peak_bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// What a step that trains every exit takes, forward and backward, counted on a copy of the network. Where a whole step
// would take more than a gibibyte, for which the machine may have no room, it is counted with fewer images and drawn
// out to `batch_size`; that is a lower bound, since which moment of the step takes most may change with their number.
int64_t joint_step_bytes(const Graph& graph, const ComputeMode& mode, int64_t batch_size);

}  // namespace sooner
