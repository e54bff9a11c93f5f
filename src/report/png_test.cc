#include "report/png.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

#include "report/base64.h"
#include "support/message_of.h"

namespace sooner {
namespace {

uint32_t u32(const std::vector<std::byte>& bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8U | std::to_integer<uint32_t>(bytes[at + i]);
  return value;
}

TEST(EncodePng, WritesARowOfThreeColours) {
  // Red, green, blue: planes of 1 x 3.
  const std::vector<uint8_t> pixels = {255, 0, 0, 0, 255, 0, 0, 0, 255};
  const std::vector<std::byte> png = encode_png(pixels, {3, 1, 3});
  ASSERT_GT(png.size(), 57U);
  EXPECT_EQ(u32(png, 0), 0x89504e47U);
  EXPECT_EQ(u32(png, 4), 0x0d0a1a0aU);
  EXPECT_EQ(u32(png, 8), 13U);           // IHDR
  EXPECT_EQ(u32(png, 16), 3U);           // columns
  EXPECT_EQ(u32(png, 20), 1U);           // rows
  EXPECT_EQ(u32(png, 24), 0x08020000U);  // 8 bits, RGB
  const uint32_t length = u32(png, 33);
  std::vector<Bytef> raw(10);
  uLongf size = raw.size();
  ASSERT_EQ(uncompress(raw.data(), &size, reinterpret_cast<const Bytef*>(png.data() + 41), length), Z_OK);
  EXPECT_EQ(raw, (std::vector<Bytef>{0, 255, 0, 0, 0, 255, 0, 0, 0, 255}));
  // The last twelve bytes of every PNG.
  EXPECT_EQ(u32(png, png.size() - 12), 0U);
  EXPECT_EQ(u32(png, png.size() - 8), 0x49454e44U);
  EXPECT_EQ(u32(png, png.size() - 4), 0xae426082U);
}

TEST(EncodePng, RefusesOtherShapes) {
  const std::vector<uint8_t> pixels(16);
  for (const Shape& shape : {Shape{2, 2, 4}, Shape{1, 4}, Shape{1, 4, 5}, Shape{1, 0, 4}, Shape{1, -4, -4}}) {
    message_of(Code::kInvalidArgument, [&] { encode_png(pixels, shape); });
  }
}

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
