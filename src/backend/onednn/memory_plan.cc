#include "backend/onednn/memory_plan.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/aligned_buffer.h"

namespace sooner::onednn {
namespace {

bool meet(const Lifetime& a, const Lifetime& b) { return a.first_step <= b.last_step && b.first_step <= a.last_step; }

}  // namespace

MemoryPlan plan_memory(const std::vector<Lifetime>& values) {
  constexpr size_t kAlign = AlignedBuffer::kAlignment;
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a].bytes > values[b].bytes; });
  MemoryPlan plan;
  plan.offsets.resize(values.size());
  std::vector<size_t> placed;
  for (const size_t value : order) {
    const size_t bytes = (values[value].bytes + kAlign - 1) / kAlign * kAlign;
    std::vector<std::pair<size_t, size_t>> used;  // begin, end of what it must not touch
    for (const size_t other : placed) {
      if (!meet(values[value], values[other])) continue;
      used.emplace_back(plan.offsets[other],
                        plan.offsets[other] + (values[other].bytes + kAlign - 1) / kAlign * kAlign);
    }
    std::sort(used.begin(), used.end());
    size_t at = 0;
    for (const auto& [begin, end] : used) {
      if (at + bytes <= begin) break;
      at = std::max(at, end);
    }
    plan.offsets[value] = at;
    plan.bytes = std::max(plan.bytes, at + bytes);
    placed.push_back(value);
  }
  return plan;
}

}  // namespace sooner::onednn
