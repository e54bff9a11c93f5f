// Where and how the arithmetic of training runs: device, precision, memory order, threads.
#pragma once

#include <string>

#include "graph/graph.h"
#include "recipe/train_config.h"
#include "train/torch_headers.h"

namespace sooner {

struct ComputeMode {
  at::Device device = at::kCPU;
  bool bf16 = false;  // autocast; weights, losses and gates stay fp32
  bool channels_last = false;
  int32_t threads = 1;
  [[nodiscard]] bool cuda() const { return device.is_cuda(); }
};

// Turns "auto" into what is faster for `graph` on this machine, by a fixed rule (so that a run is the same every time).
// Throws kFailedPrecondition, saying what is missing, when cuda is asked for and not there; for bf16 on a processor
// without bf16 instructions, where it would be many times slower than fp32.
ComputeMode choose_compute_mode(const RecipeConfig& recipe, const Graph& graph);

// Sets LibTorch's threads and determinism for the process. Call before the first tensor operation.
void apply_compute_mode(const ComputeMode& mode);

// "cpu, 2 threads, bf16, channels-last".
std::string to_string(const ComputeMode& mode);
// The device's own name: of the processor or the GPU.
std::string device_name(const ComputeMode& mode);

// bf16 autocast while it lives, if the mode says so.
class AutocastRegion {
 public:
  explicit AutocastRegion(const ComputeMode& mode);
  ~AutocastRegion();
  AutocastRegion(const AutocastRegion&) = delete;
  AutocastRegion& operator=(const AutocastRegion&) = delete;

 private:
  bool enabled_;
  at::DeviceType device_;
};

}  // namespace sooner
