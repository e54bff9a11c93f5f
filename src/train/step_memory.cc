#include "train/step_memory.h"

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <algorithm>

#include "train/evaluate.h"
#include "train/graph_module.h"
#include "train/losses.h"
#include "train/torch_tensors.h"

namespace sooner {
namespace {

class Counter final : public c10::MemoryReportingInfoBase {
 public:
  // `bytes` is negative when memory is given back.
  void reportMemoryUsage(void* /*ptr*/, int64_t bytes, size_t /*total_allocated*/, size_t /*total_reserved*/,
                         c10::Device device) override {
    if (!device.is_cpu()) return;
    now_ += bytes;
    peak_ = std::max(peak_, now_);
  }
  [[nodiscard]] bool memoryProfilingEnabled() const override { return true; }
  [[nodiscard]] int64_t peak() const { return peak_; }

 private:
  int64_t now_ = 0, peak_ = 0;
};

}  // namespace

struct StepMemory::Impl {
  std::shared_ptr<Counter> counter = std::make_shared<Counter>();
  c10::DebugInfoGuard guard{c10::DebugInfoKind::PROFILER_STATE, counter};
};

StepMemory::StepMemory() : impl_(std::make_unique<Impl>()) {}
StepMemory::~StepMemory() = default;
int64_t StepMemory::peak_bytes() const { return impl_->counter->peak(); }

namespace {

int64_t count_joint_step(const Graph& graph, const ComputeMode& mode, int64_t batch_size) {
  return guard_torch("joint_step_bytes", [&] {
    GraphModule joint(graph, 1);
    joint.place(mode.device, mode.channels_last);
    const std::vector<float> images(static_cast<size_t>(batch_size * element_count(graph.input_shape)));
    const at::Tensor labels = at::zeros({batch_size}, at::TensorOptions(at::kLong).device(mode.device));
    const StepMemory memory;
    ExitOutputs outputs;
    {
      const AutocastRegion autocast(mode);
      outputs = joint.forward(place_images(images, batch_size, graph.input_shape, mode), true);
    }
    weighted_loss(outputs, labels, std::vector<double>(graph.exits(), 1), {}).total.backward();
    return memory.peak_bytes();
  });
}

}  // namespace

int64_t joint_step_bytes(const Graph& graph, const ComputeMode& mode, int64_t batch_size) {
  constexpr int64_t kFew = 8;
  constexpr int64_t kAffordable = int64_t{1} << 30U;
  if (batch_size <= kFew) return count_joint_step(graph, mode, batch_size);
  const int64_t guess = count_joint_step(graph, mode, kFew) / kFew * batch_size;
  const int64_t most = guess <= kAffordable ? batch_size : std::max(kFew, batch_size * kAffordable / guess);
  const int64_t counted = count_joint_step(graph, mode, most);
  if (most == batch_size) return counted;
  const int64_t half = most / 2;
  return counted + (counted - count_joint_step(graph, mode, half)) / (most - half) * (batch_size - most);
}

}  // namespace sooner
