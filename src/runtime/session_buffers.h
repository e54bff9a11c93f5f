// The memory of one session. No arithmetic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "core/aligned_buffer.h"
#include "runtime/crew.h"
#include "runtime/model.h"
#include "runtime/session.h"

namespace sooner {

// Samples between two stages: row i of every tensor, of `samples` and of `state` is one sample. New rows come to the
// end and are taken from the end.
class RowQueue {
 public:
  RowQueue() = default;
  RowQueue(std::span<const CarryTensor> tensors, size_t state_bytes, int32_t capacity);
  // Grows, keeping the rows.
  void reserve(int32_t capacity);
  // REQUIRES: to <= from.
  void move_row(int32_t from, int32_t to);

  [[nodiscard]] std::byte* row(size_t tensor, int32_t at) { return data_[tensor] + row_bytes_[tensor] * index(at); }
  [[nodiscard]] std::span<std::byte> state(int32_t at) {
    return {state_.data() + state_bytes_ * index(at), state_bytes_};
  }
  [[nodiscard]] std::span<const size_t> row_bytes() const { return row_bytes_; }
  [[nodiscard]] size_t state_bytes() const { return state_bytes_; }
  [[nodiscard]] int32_t capacity() const { return capacity_; }

  int32_t size = 0;
  std::vector<int32_t> samples;  // [capacity]: which sample of the run each row is

 private:
  static size_t index(int32_t at) { return static_cast<size_t>(at); }
  std::vector<size_t> row_bytes_;  // by tensor
  std::vector<std::byte*> data_;   // by tensor
  AlignedBuffer memory_;
  std::vector<std::byte> state_;
  size_t state_bytes_ = 0;
  int32_t capacity_ = 0;
};

// One stage as this session runs it; filled when a sample first reaches the stage.
struct Session::Lane {
  // What a thread needs for its share of the rows.
  struct Own {
    std::unique_ptr<StageContext> context;
    std::vector<const std::byte*> src;  // of the rows at hand
    std::vector<std::byte*> dst;
  };
  const CompiledStage* stage = nullptr;
  std::vector<Own> own;  // by member of the crew
  RowQueue out;          // who goes on after this stage; unused after the last
};

// n: rows of a micro-batch; C: classes; K: stages.
struct Session::Buffers {
  Buffers(const Model& model, const ExitPolicy& policy, const SessionOptions& options);

  std::vector<Lane> lanes;             // [K]
  std::vector<int32_t> micro_batches;  // [K]
  RowQueue input;                      // stage 0's rows: numbers and states; the images stay where they are
  const float* images = nullptr;       // of the input's first row
  Crew crew;
  std::vector<AlignedBuffer> scratch;  // by member of the crew; shared by all stages
  std::vector<float> logits;           // [n, C] of the exit at hand
  std::vector<float> gate_logits;      // [n]
  std::vector<uint8_t> stays;          // [n]: who goes on to the next stage
  std::vector<double> temperatures;    // [K]
  std::vector<int32_t> carried_names;  // of a resumed run: what its rows were called by the session before

  // With a deadline alone.
  std::function<double()> clock;      // empty: the policy needs no times
  std::vector<double> stage_seconds;  // [K]
  double began = 0;                   // by the clock, when the run at hand did
  double elapsed = 0;                 // when the micro-batch at hand had been through its stage

  // Of the whole run; grow with the largest run seen.
  std::vector<Result> results;
  std::vector<float> result_logits;  // [samples, C]
};

}  // namespace sooner
