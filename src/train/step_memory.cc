#include "train/step_memory.h"

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <algorithm>

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

}  // namespace sooner
