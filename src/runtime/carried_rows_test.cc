#include "runtime/carried_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "core/hash.h"
#include "core/rng.h"
#include "support/error_of.h"

namespace sooner {
namespace {

using testing::HasSubstr;

struct Owned {
  std::vector<std::byte> states, first, second;
  CarriedRows rows;
};

Owned three_rows() {
  Owned owned;
  owned.states.assign(3 * 8, std::byte{7});
  owned.first.assign(3 * 5, std::byte{1});
  owned.second.assign(3 * 16, std::byte{2});
  owned.rows = {.stage = 1,
                .model_hash = "0123456789abcdef",
                .precision = "fp32",
                .backend = "ref",
                .policy = "margin",
                .samples = {4, 0, 9},
                .state_bytes = 8,
                .states = owned.states,
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
  EXPECT_EQ(back.policy, "margin");
  EXPECT_THAT(back.samples, testing::ElementsAre(4, 0, 9));
  EXPECT_TRUE(std::ranges::equal(back.states, owned.states));
  ASSERT_EQ(back.tensors.size(), 2U);
  EXPECT_EQ(back.tensors[0].node, 3U);
  EXPECT_TRUE(std::ranges::equal(back.tensors[0].rows, owned.first));
  EXPECT_TRUE(std::ranges::equal(back.tensors[1].rows, owned.second));
}

// docs/carried_rows.md, worked by hand: 128 of header, 2 * 16 of tensors, 3 * 4 + 4 of samples, 24 of states, 15 + 1
// and 48 of rows, 8 of check sum.
TEST(CarriedRows, LieAsTheDocumentSays) {
  const std::vector<std::byte> bytes = bytes_of(three_rows().rows);
  EXPECT_EQ(bytes.size(), 128U + 32 + 16 + 24 + 16 + 48 + 8);
  EXPECT_EQ(std::memcmp(bytes.data(),
                        "SOONERCR\1\0\0\0\1\0\0\0\3\0\0\0\2\0\0\0\10\0\0\0\0\0\0\0"
                        "0123456789abcdef",
                        48),
            0);
  EXPECT_EQ(bytes[160], std::byte{4});
  EXPECT_EQ(bytes[176], std::byte{7});
  EXPECT_EQ(bytes[200], std::byte{1});
  EXPECT_EQ(bytes[216], std::byte{2});
}

TEST(CarriedRows, NoneAreFine) {
  CarriedRows none;
  none.model_hash = "0123456789abcdef";
  const std::vector<std::byte> bytes = bytes_of(none);
  EXPECT_TRUE(parse_carried(bytes).samples.empty());
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
    const size_t at = 12 + rng.below(148);
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
