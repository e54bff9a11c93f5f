// Samples between two stages. A row is one sample: who it is, by which policy it leaves, what that policy remembers of
// it, and its part of every tensor that crosses the cut. Rows of one queue may follow different policies.
//
// Storage alone: no arithmetic, no decision, no lock. New rows come to the end and are taken from the end. Nothing is
// allocated once a queue has had its largest rows, states and number of rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "core/aligned_buffer.h"
#include "runtime/result.h"

namespace sooner {

// What travels with a sample beside its tensors and its policy's state.
struct Row {
  const ExitPolicy* policy = nullptr;                         // decides about this sample alone; outlives the row
  size_t state_bytes = 0;                                     // of that policy
  int64_t macs = 0;                                           // executed so far
  bool answered = false;                                      // by a driver that lets everybody go on
  double began = 0;                                           // by its driver's clock; 0 where nobody reads one
  double deadline = std::numeric_limits<double>::infinity();  // seconds after that; +inf: none

  // Of a sample that begins at `began`, with the policy's deadline.
  static Row beginning(const ExitPolicy& policy, double began = 0) {
    return {
        .policy = &policy, .state_bytes = policy.state_bytes(), .began = began, .deadline = policy.deadline_seconds()};
  }
};

class RowQueue {
 public:
  RowQueue() = default;
  RowQueue(std::span<const CarryTensor> tensors, int32_t capacity);
  // One whose tensors lie elsewhere, until own() is called: borrow() says where.
  static RowQueue borrowing(std::span<const CarryTensor> tensors, int32_t capacity);

  // Grow, keeping the rows.
  void reserve(int32_t capacity);
  void reserve_state(size_t bytes);  // of every row
  // From now on every row has room for an answer with the logits [classes] behind it: what it would be answered if it
  // went no further.
  void keep_answers(size_t classes);

  // Adds a row with zero-filled state and no answer, and gives its place. Its tensors are the caller's to write.
  // REQUIRES: size() < capacity().
  int32_t push(uint64_t id, const Row& row);
  // The same for a row of another queue, with its state and answer.
  void push_from(const RowQueue& other, int32_t at);
  void drop_last(int32_t rows) { size_ -= rows; }
  // The last row fills its place.
  void remove(int32_t at);
  void swap(int32_t one, int32_t other);
  void clear() { size_ = 0; }
  // So many rows, of nobody where none were before.
  void resize(int32_t rows);
  // Tensors alone. REQUIRES: to <= from.
  void move_tensors(int32_t from, int32_t to);

  void borrow(size_t tensor, const std::byte* rows) { source_[tensor] = rows; }
  // Copies what was borrowed: rows may be written and moved from now on, until the next borrow().
  void own();

  [[nodiscard]] int32_t size() const { return size_; }
  [[nodiscard]] int32_t capacity() const { return capacity_; }
  [[nodiscard]] size_t tensors() const { return row_bytes_.size(); }
  [[nodiscard]] size_t row_bytes(size_t tensor) const { return row_bytes_[tensor]; }
  [[nodiscard]] const std::byte* source(size_t tensor, int32_t at) const {
    return source_[tensor] + row_bytes_[tensor] * index(at);
  }
  [[nodiscard]] std::byte* tensor(size_t tensor, int32_t at) { return own_[tensor] + row_bytes_[tensor] * index(at); }
  [[nodiscard]] uint64_t id(int32_t at) const { return ids_[index(at)]; }
  [[nodiscard]] std::span<const uint64_t> ids() const { return {ids_.data(), index(size_)}; }
  [[nodiscard]] Row& row(int32_t at) { return rows_[index(at)]; }
  [[nodiscard]] const Row& row(int32_t at) const { return rows_[index(at)]; }
  // [state_bytes of the row's policy]
  [[nodiscard]] std::span<std::byte> state(int32_t at) {
    return {states_.data() + state_stride_ * index(at), row(at).state_bytes};
  }
  [[nodiscard]] std::span<const std::byte> state(int32_t at) const {
    return {states_.data() + state_stride_ * index(at), row(at).state_bytes};
  }
  [[nodiscard]] size_t answer_classes() const { return classes_; }  // 0: no answers are kept
  // exit_index -1: none yet. REQUIRES: keep_answers.
  [[nodiscard]] Result& answer(int32_t at) { return answers_[index(at)]; }
  [[nodiscard]] const Result& answer(int32_t at) const { return answers_[index(at)]; }
  [[nodiscard]] std::span<float> answer_logits(int32_t at) {
    return {answer_logits_.data() + classes_ * index(at), classes_};
  }
  [[nodiscard]] std::span<const float> answer_logits(int32_t at) const {
    return {answer_logits_.data() + classes_ * index(at), classes_};
  }

 private:
  static size_t index(int32_t at) { return static_cast<size_t>(at); }
  void place_tensors(int32_t capacity);
  void copy_row(const RowQueue& other, int32_t from, int32_t to);

  int32_t size_ = 0, capacity_ = 0;
  std::vector<size_t> row_bytes_;         // by tensor
  std::vector<const std::byte*> source_;  // by tensor: where rows are read
  std::vector<std::byte*> own_;           // by tensor: where they are written
  AlignedBuffer memory_;
  bool borrows_ = false;
  std::vector<uint64_t> ids_;  // [capacity], as the next ones
  std::vector<Row> rows_;
  std::vector<std::byte> states_;  // [capacity, state_stride]
  size_t state_stride_ = 0;
  std::vector<Result> answers_;
  std::vector<float> answer_logits_;  // [capacity, classes]
  size_t classes_ = 0;
};

}  // namespace sooner
