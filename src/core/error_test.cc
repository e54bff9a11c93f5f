#include "core/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "support/error_of.h"

namespace sooner {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(Fail, ThrowsTheCodeAndTheFormattedMessage) {
  const Error error = error_of([] { fail(Code::kDataLoss, "[idx] got {}, expected {}", 3, "4"); });
  EXPECT_EQ(error.code(), Code::kDataLoss);
  EXPECT_STREQ(error.what(), "[idx] got 3, expected 4");
}

TEST(Fail, IsARuntimeErrorToThoseWhoDoNotKnowTheProject) {
  EXPECT_THROW(fail(Code::kNotFound, "[x] gone"), std::runtime_error);
}

TEST(Assertion, ThrowsAnInternalErrorThatNamesThePlace) {
  const int three = 3;
  EXPECT_NO_THROW(SOONER_ASSERT(three == 3));
  const Error error = error_of([&] { SOONER_ASSERT(three == 4); });
  EXPECT_EQ(error.code(), Code::kInternal);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("error_test.cc"), HasSubstr("three == 4")));
}

TEST(ErrorCode, HasANameOfItsOwnForEveryValue) {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(Code::kDataLoss); ++code)
    names.insert(to_string(static_cast<Code>(code)));
  EXPECT_EQ(names.size(), 11U);
  EXPECT_EQ(names.count("UNKNOWN"), 0U);
  EXPECT_EQ(to_string(Code::kDataLoss), "DATA_LOSS");
}

}  // namespace
}  // namespace sooner
