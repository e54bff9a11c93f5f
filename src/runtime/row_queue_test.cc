#include "runtime/row_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace sooner {
namespace {

class Remembers final : public ExitPolicy {
 public:
  explicit Remembers(size_t bytes) : bytes_(bytes) {}
  [[nodiscard]] std::string_view name() const override { return "remembers"; }
  [[nodiscard]] size_t state_bytes() const override { return bytes_; }
  ExitVerdict decide(const ExitObservation&, std::span<std::byte>) const override { return {}; }

 private:
  size_t bytes_;
};

const Remembers kNothing(0), kLittle(8), kMuch(24);
const std::vector<CarryTensor> kTensors = {{.node = 1, .row_bytes = 4}, {.node = 2, .row_bytes = 3}};

void write(RowQueue& queue, int32_t at, char letter) {
  for (size_t t = 0; t < queue.tensors(); ++t) std::memset(queue.tensor(t, at), letter, queue.row_bytes(t));
  std::ranges::fill(queue.state(at), static_cast<std::byte>(letter));
}

void expect_row(RowQueue& queue, int32_t at, uint64_t id, char letter, const ExitPolicy& policy) {
  EXPECT_EQ(queue.id(at), id);
  EXPECT_EQ(queue.row(at).policy, &policy);
  EXPECT_EQ(queue.state(at).size(), policy.state_bytes());
  for (const std::byte byte : queue.state(at)) EXPECT_EQ(byte, static_cast<std::byte>(letter));
  for (size_t t = 0; t < queue.tensors(); ++t) {
    for (size_t i = 0; i < queue.row_bytes(t); ++i) {
      EXPECT_EQ(queue.source(t, at)[i], static_cast<std::byte>(letter)) << "tensor " << t << " of row " << at;
    }
  }
}

RowQueue three_rows() {
  RowQueue queue(kTensors, 3);
  queue.reserve_state(24);
  const ExitPolicy* const policies[] = {&kLittle, &kMuch, &kNothing};
  for (int32_t at = 0; at < 3; ++at) {
    queue.push(uint64_t{1} << (40 + at), Row::beginning(*policies[at], 5));
    write(queue, at, static_cast<char>('a' + at));
  }
  return queue;
}

TEST(RowQueue, KeepsStatesOfEveryLengthAndGrowsWithThem) {
  RowQueue queue(kTensors, 2);
  queue.reserve_state(8);
  queue.push(7, Row::beginning(kLittle));
  write(queue, 0, 'x');
  queue.reserve_state(24);
  queue.reserve(5);
  EXPECT_EQ(queue.capacity(), 5);
  queue.push(9, Row::beginning(kMuch));
  expect_row(queue, 0, 7, 'x', kLittle);
  EXPECT_EQ(queue.state(1).size(), 24U);
  EXPECT_TRUE(std::ranges::all_of(queue.state(1), [](std::byte byte) { return byte == std::byte{0}; }));
}

TEST(RowQueue, ARowBeginsWithTheStateOfNobodyBeforeIt) {
  RowQueue queue = three_rows();
  queue.drop_last(2);
  queue.push(5, Row::beginning(kMuch, 1));
  EXPECT_TRUE(std::ranges::all_of(queue.state(1), [](std::byte byte) { return byte == std::byte{0}; }));
  EXPECT_EQ(queue.row(1).began, 1);
  EXPECT_EQ(queue.row(1).macs, 0);
}

TEST(RowQueue, TheLastRowFillsThePlaceOfOneRemoved) {
  RowQueue queue = three_rows();
  queue.remove(0);
  EXPECT_EQ(queue.size(), 2);
  expect_row(queue, 0, uint64_t{1} << 42U, 'c', kNothing);
  expect_row(queue, 1, uint64_t{1} << 41U, 'b', kMuch);
  queue.remove(1);
  EXPECT_EQ(queue.size(), 1);
  expect_row(queue, 0, uint64_t{1} << 42U, 'c', kNothing);
}

TEST(RowQueue, RowsChangePlacesWithEverythingTheyHave) {
  RowQueue queue = three_rows();
  queue.keep_answers(2);
  queue.answer(0).label = 1;
  queue.answer_logits(0)[1] = 3;
  queue.swap(0, 1);
  expect_row(queue, 0, uint64_t{1} << 41U, 'b', kMuch);
  expect_row(queue, 1, uint64_t{1} << 40U, 'a', kLittle);
  EXPECT_EQ(queue.answer(1).label, 1);
  EXPECT_EQ(queue.answer_logits(1)[1], 3);
  EXPECT_EQ(queue.answer(0).label, -1);
}

TEST(RowQueue, WhatIsBorrowedIsCopiedBeforeItIsMoved) {
  const std::vector<CarryTensor> one = {kTensors[0]};
  std::vector<char> images(8, 'p');
  std::fill(images.begin() + 4, images.end(), 'q');
  RowQueue queue = RowQueue::borrowing(one, 2);
  const auto* bytes = reinterpret_cast<const std::byte*>(images.data());
  queue.borrow(0, bytes);
  queue.push(0, Row::beginning(kNothing));
  queue.push(1, Row::beginning(kNothing));
  EXPECT_EQ(queue.source(0, 1), bytes + 4) << "nothing is copied yet";
  queue.swap(0, 1);
  EXPECT_EQ(queue.source(0, 0)[0], std::byte{'q'});
  EXPECT_EQ(queue.source(0, 1)[0], std::byte{'p'});
  EXPECT_EQ(images[0], 'p');
  queue.clear();
  queue.borrow(0, bytes);
  queue.push(2, Row::beginning(kNothing));
  EXPECT_EQ(queue.source(0, 0), bytes);
}

TEST(RowQueue, AnswersGoWithTheirRows) {
  RowQueue from = three_rows(), to(kTensors, 1);
  to.reserve_state(24);
  from.keep_answers(2);
  to.keep_answers(2);
  from.answer(1).exit_index = 4;
  from.answer_logits(1)[0] = 0.5F;
  from.row(1).macs = 12;
  to.push_from(from, 1);
  EXPECT_EQ(to.answer(0).exit_index, 4);
  EXPECT_EQ(to.answer_logits(0)[0], 0.5F);
  EXPECT_EQ(to.row(0).macs, 12);
  EXPECT_EQ(to.row(0).began, 5);
  EXPECT_EQ(to.id(0), uint64_t{1} << 41U);
  EXPECT_TRUE(std::ranges::equal(to.state(0), from.state(1)));
  to.clear();
  to.push(3, Row::beginning(kNothing));
  EXPECT_EQ(to.answer(0).exit_index, -1);
}

}  // namespace
}  // namespace sooner
