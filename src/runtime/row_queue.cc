#include "runtime/row_queue.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "backend/common/memory_limit.h"
#include "core/error.h"

namespace sooner {
namespace {

size_t rounded(size_t bytes) {
  return (bytes + AlignedBuffer::kAlignment - 1) / AlignedBuffer::kAlignment * AlignedBuffer::kAlignment;
}

}  // namespace

RowQueue::RowQueue(std::span<const CarryTensor> tensors, int32_t capacity) : RowQueue(borrowing(tensors, 0)) {
  borrows_ = false;
  reserve(capacity);
}

RowQueue RowQueue::borrowing(std::span<const CarryTensor> tensors, int32_t capacity) {
  RowQueue queue;
  for (const CarryTensor& tensor : tensors) queue.row_bytes_.push_back(tensor.row_bytes);
  queue.source_.resize(tensors.size());
  queue.own_.resize(tensors.size());
  queue.borrows_ = true;
  queue.reserve(capacity);
  return queue;
}

void RowQueue::reserve(int32_t capacity) {
  if (capacity <= capacity_) return;
  // What was borrowed stays where it is; own() makes room when it is wanted.
  if (borrows_) {
    memory_ = AlignedBuffer();
  } else {
    place_tensors(capacity);
  }
  ids_.resize(index(capacity));
  rows_.resize(index(capacity));
  states_.resize(state_stride_ * index(capacity));
  if (classes_ > 0) {
    answers_.resize(index(capacity));
    answer_logits_.resize(classes_ * index(capacity));
  }
  capacity_ = capacity;
}

void RowQueue::place_tensors(int32_t capacity) {
  size_t bytes = 0;
  for (const size_t row : row_bytes_) bytes += rounded(row * index(capacity));
  expect_memory("Session", static_cast<double>(bytes));
  AlignedBuffer memory(bytes);
  std::byte* at = memory.data();
  for (size_t t = 0; t < own_.size(); ++t) {
    if (size_ > 0) std::memcpy(at, source_[t], row_bytes_[t] * index(size_));
    source_[t] = own_[t] = at;
    at += rounded(row_bytes_[t] * index(capacity));
  }
  memory_ = std::move(memory);
}

void RowQueue::own() {
  if (!borrows_) return;
  if (memory_.size() == 0) return place_tensors(capacity_);
  for (size_t t = 0; t < own_.size(); ++t) {
    if (source_[t] == own_[t]) continue;
    if (size_ > 0) std::memcpy(own_[t], source_[t], row_bytes_[t] * index(size_));
    source_[t] = own_[t];
  }
}

void RowQueue::reserve_state(size_t bytes) {
  if (bytes <= state_stride_) return;
  std::vector<std::byte> states(bytes * index(capacity_));
  for (int32_t at = 0; at < size_; ++at) {
    std::ranges::copy(state(at), states.begin() + static_cast<ptrdiff_t>(bytes * index(at)));
  }
  states_ = std::move(states);
  state_stride_ = bytes;
}

void RowQueue::keep_answers(size_t classes) {
  if (classes_ == classes) return;
  classes_ = classes;
  answers_.assign(index(capacity_), Result{});
  answer_logits_.assign(classes * index(capacity_), 0);
}

int32_t RowQueue::push(uint64_t id, const Row& row) {
  SOONER_ASSERT(size_ < capacity_ && row.state_bytes <= state_stride_);
  const int32_t at = size_++;
  ids_[index(at)] = id;
  rows_[index(at)] = row;
  std::ranges::fill(state(at), std::byte{0});
  if (classes_ > 0) answer(at) = Result{};
  return at;
}

void RowQueue::copy_row(const RowQueue& other, int32_t from, int32_t to) {
  ids_[index(to)] = other.ids_[index(from)];
  rows_[index(to)] = other.rows_[index(from)];
  std::ranges::copy(other.state(from), state(to).begin());
  if (classes_ == 0 || other.classes_ != classes_) return;
  answer(to) = other.answer(from);
  std::ranges::copy(other.answer_logits(from), answer_logits(to).begin());
}

void RowQueue::push_from(const RowQueue& other, int32_t at) {
  SOONER_ASSERT(size_ < capacity_ && other.row(at).state_bytes <= state_stride_);
  copy_row(other, at, size_++);
}

void RowQueue::remove(int32_t at) {
  own();
  const int32_t last = --size_;
  if (at == last) return;
  copy_row(*this, last, at);
  move_tensors(last, at);
}

void RowQueue::swap(int32_t one, int32_t other) {
  if (one == other) return;
  own();
  std::swap(ids_[index(one)], ids_[index(other)]);
  std::swap(row(one), row(other));
  const auto state_of = [&](int32_t at) { return states_.begin() + static_cast<ptrdiff_t>(state_stride_ * index(at)); };
  std::swap_ranges(state_of(one), state_of(one) + static_cast<ptrdiff_t>(state_stride_), state_of(other));
  for (size_t t = 0; t < own_.size(); ++t) {
    std::swap_ranges(tensor(t, one), tensor(t, one) + row_bytes_[t], tensor(t, other));
  }
  if (classes_ == 0) return;
  std::swap(answer(one), answer(other));
  std::ranges::swap_ranges(answer_logits(one), answer_logits(other));
}

void RowQueue::resize(int32_t rows) {
  SOONER_ASSERT(rows <= capacity_);
  for (int32_t at = size_; at < rows; ++at) {
    ids_[index(at)] = 0;
    rows_[index(at)] = Row{};
  }
  size_ = rows;
}

void RowQueue::move_tensors(int32_t from, int32_t to) {
  if (from == to) return;
  for (size_t t = 0; t < own_.size(); ++t) std::memcpy(tensor(t, to), tensor(t, from), row_bytes_[t]);
}

}  // namespace sooner
