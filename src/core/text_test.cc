#include "core/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/error_of.h"

namespace sooner {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(EditDistance, CountsInsertionsDeletionsAndReplacements) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("relu", "relu"), 0U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("abc", ""), 3U);
  EXPECT_EQ(edit_distance("relu1", "relu2"), 1U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(Suggest, NamesTheNearestWhenItIsNear) {
  EXPECT_EQ(suggest("rel1", {"conv1", "relu1", "fc"}), "did you mean 'relu1'?");
}

TEST(Suggest, ListsTheChoicesWhenNothingIsNear) {
  EXPECT_EQ(suggest("xyzzy", {"conv1", "relu1", "fc"}), "expected one of conv1, relu1, fc");
}

TEST(Suggest, CutsALongList) { EXPECT_EQ(suggest("xyzzy", {"aa", "bb", "cc"}, 2), "expected one of aa, bb, …"); }

TEST(Split, GivesOnePartMoreThanThereAreSeparators) {
  EXPECT_THAT(split("a,b,,c", ','), ElementsAre("a", "b", "", "c"));
  EXPECT_THAT(split("", ','), ElementsAre(""));
  EXPECT_THAT(split("a,", ','), ElementsAre("a", ""));
}

TEST(ParseNumber, ReadsTheWholeText) {
  EXPECT_DOUBLE_EQ(parse_number("t", "3.25"), 3.25);
  EXPECT_DOUBLE_EQ(parse_number("t", "-1e-3"), -0.001);
  EXPECT_DOUBLE_EQ(parse_number("t", ".5"), 0.5);
}

TEST(ParseNumber, RefusesWhatIsNoFiniteNumber) {
  for (const char* text : {"", " 1", "1 ", "1x", "x", "nan", "inf", "-inf", "1e999", "1,5", "0x10"}) {
    const Error error = error_of([&] { parse_number("threshold", text); });
    EXPECT_EQ(error.code(), Code::kInvalidArgument) << text;
    EXPECT_THAT(error.what(), HasSubstr("[threshold] '" + std::string(text) + "'"));
  }
}

TEST(ParseInteger, ReadsUpToItsLimits) {
  EXPECT_EQ(parse_integer("t", "8", 8, 9), 8);
  EXPECT_EQ(parse_integer("t", "9", 8, 9), 9);
  EXPECT_EQ(parse_integer("t", "-3", -5, 9), -3);
}

TEST(ParseInteger, RefusesWhatIsNoIntegerOrOutOfRange) {
  for (const char* text : {"", "8.5", "8x", "1e1", " 8", "+8"}) {
    EXPECT_THAT(error_of([&] { parse_integer("depth", text, 1, 9); }).what(), HasSubstr("not a whole number")) << text;
  }
  for (const char* text : {"0", "10", "99999999999999999999999"}) {
    EXPECT_THAT(error_of([&] { parse_integer("depth", text, 1, 9); }).what(), HasSubstr("expected 1 to 9")) << text;
  }
}

TEST(HumanCount, ShowsThreeDigitsAndAPrefix) {
  EXPECT_EQ(human_count(0), "0");
  EXPECT_EQ(human_count(980), "980");
  EXPECT_EQ(human_count(41'234), "41.2 k");
  EXPECT_EQ(human_count(1'140'070), "1.14 M");
  EXPECT_EQ(human_count(40'813'184), "40.8 M");
  EXPECT_EQ(human_count(-1'500), "-1.5 k");
  EXPECT_EQ(human_count(2.5e12), "2.5e+03 G");
}

TEST(HumanCount, NeverRoundsToAThousandOfAPrefix) {
  EXPECT_EQ(human_count(999.4), "999");
  EXPECT_EQ(human_count(999.9), "1 k");
  EXPECT_EQ(human_count(999'999), "1 M");
}

TEST(HumanBytes, KeepsTheUnitWithThePrefix) {
  EXPECT_EQ(human_bytes(12), "12 B");
  EXPECT_EQ(human_bytes(1'200'000), "1.2 MB");
  EXPECT_EQ(human_bytes(999.9), "1 kB");
}

TEST(HumanSeconds, ChoosesTheUnit) {
  EXPECT_EQ(human_seconds(4.2), "4.2 s");
  EXPECT_EQ(human_seconds(59.97), "1 min 00 s");
  EXPECT_EQ(human_seconds(200), "3 min 20 s");
  EXPECT_EQ(human_seconds(3599.6), "1 h 00 min");
  EXPECT_EQ(human_seconds(3720), "1 h 02 min");
}

}  // namespace
}  // namespace sooner
