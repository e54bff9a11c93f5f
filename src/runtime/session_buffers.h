// The memory of one session: allocated once for batches of batch_max, then reused. No arithmetic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/aligned_buffer.h"
#include "runtime/model.h"
#include "runtime/session.h"

namespace sooner {

// n: samples of a batch; C: classes.
struct Session::Buffers {
  Buffers(const Model& model, size_t policy_state_bytes);

  // Pointers to the carry set after each cut: carry[k] belongs to the cut after stage k. Neighbouring cuts use
  // different halves of the arena, so a stage never writes where it reads.
  std::vector<std::vector<std::byte*>> carry;
  std::vector<const std::byte*> src;  // of the rows at hand
  std::vector<std::byte*> dst;
  std::span<std::byte> scratch;
  std::span<std::byte> policy_state;  // [n, state bytes]
  size_t policy_state_bytes = 0;
  std::vector<int32_t> samples;      // [n]: which sample of the run each row is
  std::vector<float> logits;         // [n, C] of the exit at hand
  std::vector<float> gate_logits;    // [n]
  std::vector<double> temperatures;  // [K]

  // Of the whole run; grow with the largest run seen.
  std::vector<Result> results;
  std::vector<float> result_logits;  // [samples, C]

 private:
  AlignedBuffer arena_;
};

}  // namespace sooner
