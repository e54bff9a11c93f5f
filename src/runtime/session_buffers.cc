#include "runtime/session_buffers.h"

#include <algorithm>

#include "backend/common/memory_limit.h"

namespace sooner {
namespace {

size_t rounded(size_t bytes) {
  return (bytes + AlignedBuffer::kAlignment - 1) / AlignedBuffer::kAlignment * AlignedBuffer::kAlignment;
}

}  // namespace

Session::Buffers::Buffers(const Model& model, size_t state_bytes) : policy_state_bytes(state_bytes) {
  const auto rows = static_cast<size_t>(model.batch_max());
  const auto& stages = model.stages();
  size_t half[2] = {0, 0};
  size_t scratch_bytes = 0;
  for (size_t k = 0; k < stages.size(); ++k) {
    size_t bytes = 0;
    for (const CarryTensor& tensor : stages[k]->carry_out()) bytes += rounded(tensor.row_bytes * rows);
    half[k % 2] = std::max(half[k % 2], bytes);
    scratch_bytes = std::max(scratch_bytes, rounded(stages[k]->scratch_bytes()));
  }
  const size_t arena_bytes = half[0] + half[1] + scratch_bytes + rounded(state_bytes * rows);
  expect_memory("Session", static_cast<double>(arena_bytes));
  arena_ = AlignedBuffer(arena_bytes);
  for (size_t k = 0; k < stages.size(); ++k) {
    std::byte* at = arena_.data() + (k % 2) * half[0];
    carry.emplace_back();
    for (const CarryTensor& tensor : stages[k]->carry_out()) {
      carry.back().push_back(at);
      at += rounded(tensor.row_bytes * rows);
    }
    src.resize(std::max(src.size(), stages[k]->carry_in().size()));
    dst.resize(std::max(dst.size(), stages[k]->carry_out().size()));
  }
  scratch = arena_.bytes().subspan(half[0] + half[1], scratch_bytes);
  policy_state = arena_.bytes().subspan(half[0] + half[1] + scratch_bytes, state_bytes * rows);
  samples.resize(rows);
  logits.resize(rows * static_cast<size_t>(model.graph().classes));
  gate_logits.resize(rows);
  const Manifest& manifest = model.manifest();
  temperatures = find_policy_at(manifest.policy, manifest.calibrations, to_string(model.precision()))
                     .value_or(manifest.policy)
                     .temperatures;
  if (temperatures.size() != stages.size()) temperatures.assign(stages.size(), 1.0);
}

}  // namespace sooner
