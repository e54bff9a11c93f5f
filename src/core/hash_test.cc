#include "core/hash.h"

#include <gtest/gtest.h>

#include <string>

namespace sooner {
namespace {

// XXH3's published value for no bytes at all with seed 0.
TEST(Hash, IsXxh3) { EXPECT_EQ(hash_bytes(""), 0x2d06800538d394c2U); }

TEST(Hash, TellsTextsApartAndRepeatsItself) {
  EXPECT_EQ(hash_bytes("abc"), hash_bytes("abc"));
  EXPECT_NE(hash_bytes("abc"), hash_bytes("abd"));
  EXPECT_NE(hash_bytes("abc"), hash_bytes(std::string_view("abc\0", 4)));
}

TEST(Hash, IsWrittenWithSixteenDigits) {
  EXPECT_EQ(hash_hex(0xff), "00000000000000ff");
  EXPECT_EQ(hash_hex(~uint64_t{0}), "ffffffffffffffff");
}

TEST(Hasher, EqualsTheHashOfTheConcatenationHoweverItIsCut) {
  const std::string text(1000, 'q');
  for (const size_t cut : {size_t{0}, size_t{1}, size_t{239}, size_t{240}, size_t{241}, size_t{1000}}) {
    Hasher hasher;
    hasher.add(text.substr(0, cut));
    hasher.add(std::as_bytes(std::span(text).subspan(cut)));
    EXPECT_EQ(hasher.value(), hash_bytes(text)) << cut;
  }
  EXPECT_EQ(Hasher().value(), hash_bytes(""));
}

}  // namespace
}  // namespace sooner
