#include "report/base64.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace sooner {
namespace {

std::string base64(std::string_view text) { return encode_base64(std::as_bytes(std::span(text))); }

TEST(EncodeBase64, AgreesWithTheExamplesOfRfc4648) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foob"), "Zm9vYg==");
  EXPECT_EQ(base64("fooba"), "Zm9vYmE=");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xfb\xff\xbf"), "+/+/");
}

}  // namespace
}  // namespace sooner
