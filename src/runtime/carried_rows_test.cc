#include "runtime/carried_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <string>

#include "core/hash.h"
#include "core/rng.h"
#include "support/error_of.h"

namespace sooner {
namespace {

using testing::HasSubstr;

struct Owned {
  std::vector<std::byte> states, logits, first, second;
  CarriedRows rows;
};

// Rows of two policies; the second remembers nothing.
Owned three_rows() {
  Owned owned;
  owned.states.assign(2 * 8, std::byte{7});
  owned.logits.assign(3 * 8, std::byte{3});
  owned.first.assign(3 * 5, std::byte{1});
  owned.second.assign(3 * 16, std::byte{2});
  const std::span<const std::byte> states(owned.states), logits(owned.logits);
  owned.rows = {.stage = 1,
                .model_hash = "0123456789abcdef",
                .precision = "fp32",
                .backend = "ref",
                .policies = {{.fingerprint = 0x1122, .state_bytes = 8, .name = "vote"},
                             {.fingerprint = 0x3344, .state_bytes = 0, .name = "margin"}},
                .rows = {{.id = 4, .policy = 0, .macs = 100, .spent_seconds = 0.5, .left_seconds = 1.5},
                         {.id = uint64_t{1} << 40U, .policy = 1, .macs = 90},
                         {.id = 9, .policy = 0, .macs = 100}},
                .states = {states.first(8), states.first(0), states.last(8)},
                .classes = 2,
                .answers = {{.label = 1, .exit_index = 1, .left = Left::kByDeadline, .score = 0.5F}, {}, {}},
                .logits = {logits.first(8), logits.first(8), logits.last(8)},
                .tensors = {{3, 5, owned.first}, {7, 16, owned.second}}};
  return owned;
}

std::vector<std::byte> bytes_of(const CarriedRows& rows) {
  std::vector<std::byte> bytes;
  append_carried(rows, bytes);
  return bytes;
}

void seal_again(std::vector<std::byte>& bytes) {
  const uint64_t sum = hash_bytes(std::span<const std::byte>(bytes).first(bytes.size() - 8));
  std::memcpy(bytes.data() + bytes.size() - 8, &sum, 8);
}

TEST(CarriedRows, ReturnAsTheyWere) {
  const Owned owned = three_rows();
  const std::vector<std::byte> bytes = bytes_of(owned.rows);
  const CarriedRows back = parse_carried(bytes);
  EXPECT_EQ(back.stage, 1U);
  EXPECT_EQ(back.model_hash, "0123456789abcdef");
  EXPECT_EQ(back.precision, "fp32");
  EXPECT_EQ(back.backend, "ref");
  ASSERT_EQ(back.policies.size(), 2U);
  EXPECT_EQ(back.policies[0].fingerprint, 0x1122U);
  EXPECT_EQ(back.policies[0].name, "vote");
  EXPECT_EQ(back.policies[1].state_bytes, 0U);
  ASSERT_EQ(back.rows.size(), 3U);
  EXPECT_EQ(back.rows[0].id, 4U);
  EXPECT_EQ(back.rows[0].spent_seconds, 0.5);
  EXPECT_EQ(back.rows[0].left_seconds, 1.5);
  EXPECT_EQ(back.rows[1].id, uint64_t{1} << 40U);
  EXPECT_EQ(back.rows[1].policy, 1U);
  EXPECT_EQ(back.rows[1].macs, 90);
  EXPECT_EQ(back.rows[1].left_seconds, std::numeric_limits<double>::infinity());
  ASSERT_EQ(back.states.size(), 3U);
  EXPECT_TRUE(std::ranges::equal(back.states[2], std::span(owned.states).last(8)));
  EXPECT_TRUE(back.states[1].empty());
  ASSERT_EQ(back.answers.size(), 3U);
  EXPECT_EQ(back.answers[0].label, 1);
  EXPECT_EQ(back.answers[0].left, Left::kByDeadline);
  EXPECT_EQ(back.answers[0].score, 0.5F);
  EXPECT_EQ(back.answers[1].exit_index, -1);
  EXPECT_TRUE(std::ranges::equal(back.logits[2], std::span(owned.logits).last(8)));
  ASSERT_EQ(back.tensors.size(), 2U);
  EXPECT_EQ(back.tensors[0].node, 3U);
  EXPECT_TRUE(std::ranges::equal(back.tensors[0].rows, owned.first));
  EXPECT_TRUE(std::ranges::equal(back.tensors[1].rows, owned.second));
}

// docs/carried_rows.md, worked by hand: 96 of header, 2 * 48 of policies, 2 * 16 of tensors, 3 * 40 of rows, 16 of
// states, 3 * 24 of answers and 3 * 8 of their logits, 15 + 1 and 48 of rows, 8 of check sum.
TEST(CarriedRows, LieAsTheDocumentSays) {
  const std::vector<std::byte> bytes = bytes_of(three_rows().rows);
  EXPECT_EQ(bytes.size(), 96U + 96 + 32 + 120 + 16 + 72 + 24 + 16 + 48 + 8);
  EXPECT_EQ(std::memcmp(bytes.data(),
                        "SOONERCR\2\0\0\0\1\0\0\0\3\0\0\0\2\0\0\0\2\0\0\0\2\0\0\0"
                        "0123456789abcdef",
                        48),
            0);
  EXPECT_EQ(bytes[96], std::byte{0x22});
  EXPECT_EQ(bytes[192], std::byte{3});
  EXPECT_EQ(bytes[224], std::byte{4});
  EXPECT_EQ(bytes[224 + 16], std::byte{100});
  EXPECT_EQ(bytes[344], std::byte{7});
  EXPECT_EQ(bytes[360], std::byte{1});
  EXPECT_EQ(bytes[432], std::byte{3});
  EXPECT_EQ(bytes[456], std::byte{1});
  EXPECT_EQ(bytes[472], std::byte{2});
}

TEST(CarriedRows, OfVersionOneAreRefusedByIt) {
  std::vector<std::byte> bytes = bytes_of(three_rows().rows);
  bytes[8] = std::byte{1};
  EXPECT_THAT(error_of([&] { static_cast<void>(parse_carried(bytes)); }).what(),
              HasSubstr("byte 8: version 1, expected 2; both sides must run the same version of sooner"));
}

// What a row says of itself, at the byte where it says so.
TEST(CarriedRows, RefuseWhatNoRowMaySay) {
  const auto refused = [](size_t at, std::vector<uint8_t> values, const std::string& part) {
    std::vector<std::byte> bytes = bytes_of(three_rows().rows);
    for (size_t i = 0; i < values.size(); ++i) bytes[at + i] = static_cast<std::byte>(values[i]);
    seal_again(bytes);
    EXPECT_THAT(error_of([&] { static_cast<void>(parse_carried(bytes)); }).what(), HasSubstr(part));
  };
  refused(224 + 8, {2}, "byte 232: policy 2 of 2");
  refused(224 + 23, {0x80}, "byte 240: -9223372036854775708 MACs");
  refused(224 + 24, {0, 0, 0, 0, 0, 0, 0xf0, 0x7f}, "byte 248: a time that is no number");
  refused(224 + 32, {1, 0, 0, 0, 0, 0, 0xf0, 0x7f}, "byte 256: a deadline that is no number");
  refused(360 + 4, {2}, "byte 364: an answer of exit 2, expected -1 to 1");
  refused(360 + 8, {6}, "byte 368: left by reason 6");
  refused(96 + 8, {9}, "byte 104: 9 bytes of state, no multiple of 8");
}

TEST(CarriedRows, NoneAreFine) {
  CarriedRows none;
  none.model_hash = "0123456789abcdef";
  const std::vector<std::byte> bytes = bytes_of(none);
  EXPECT_TRUE(parse_carried(bytes).rows.empty());
}

TEST(CarriedRows, DamagedBytesAreDataLoss) {
  const std::vector<std::byte> whole = bytes_of(three_rows().rows);
  for (size_t length = 0; length < whole.size(); ++length) {
    const Error error = error_of([&] { static_cast<void>(parse_carried(std::span(whole).first(length))); });
    ASSERT_EQ(error.code(), Code::kDataLoss) << length;
  }
  for (size_t at = 0; at < whole.size(); ++at) {
    std::vector<std::byte> other = whole;
    other[at] ^= std::byte{0x10};
    ASSERT_EQ(error_of([&] { static_cast<void>(parse_carried(other)); }).code(), Code::kDataLoss) << at;
  }
}

// Lengths that lie, under a check sum that fits.
TEST(CarriedRows, HostileLengthsAreDataLoss) {
  const std::vector<std::byte> whole = bytes_of(three_rows().rows);
  Rng rng(5);
  int refused = 0;
  for (int draw = 0; draw < 2000; ++draw) {
    std::vector<std::byte> other = whole;
    const size_t at = 12 + rng.below(450);
    other[at] = static_cast<std::byte>(rng.below(256));
    if (rng.below(2) == 0) other[at + 3] = std::byte{0xff};
    seal_again(other);
    try {
      static_cast<void>(parse_carried(other));
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), Code::kDataLoss);
      ++refused;
    }
  }
  EXPECT_GT(refused, 300);
  std::vector<std::byte> longer = whole;
  longer.insert(longer.end() - 8, 8, std::byte{0});
  seal_again(longer);
  EXPECT_THAT(error_of([&] { static_cast<void>(parse_carried(longer)); }).what(), HasSubstr("8 bytes too many"));
}

TEST(CarriedRows, RefusesANameThatIsTooLong) {
  CarriedRows rows = three_rows().rows;
  rows.backend = std::string(33, 'x');
  EXPECT_EQ(error_of([&] { static_cast<void>(bytes_of(rows)); }).code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace sooner
