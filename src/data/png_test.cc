#include "data/png.h"

#include "support/data_files.h"

#include <png.h>

namespace sooner {
namespace {

std::vector<uint8_t> ramp(size_t count) {
  std::vector<uint8_t> pixels(count);
  for (size_t i = 0; i < count; ++i) pixels[i] = static_cast<uint8_t>(7 * i + 3);
  return pixels;
}

TEST(Png, ComesBackAsItWas) {
  for (const Shape& shape : {Shape{1, 1, 1}, Shape{1, 5, 3}, Shape{3, 4, 7}, Shape{3, 32, 32}}) {
    const auto pixels = ramp(static_cast<size_t>(element_count(shape)));
    const auto bytes = encode_png(pixels, shape);
    EXPECT_TRUE(is_png(bytes));
    const Picture picture = decode_png(bytes, "x.png");
    EXPECT_EQ(picture.shape, shape);
    EXPECT_EQ(picture.pixels, pixels);
  }
}

TEST(Png, RefusesPixelsThatDoNotFitTheShape) {
  expect_error(Code::kInvalidArgument, {"3 bytes", "1x2x2"}, [] { encode_png(ramp(3), {1, 2, 2}); });
  expect_error(Code::kInvalidArgument, {"2x1x2"}, [] { encode_png(ramp(4), {2, 1, 2}); });
  expect_error(Code::kInvalidArgument, {"0x"}, [] { encode_png(ramp(0), {0, 2, 2}); });
}

TEST(Png, SaysThatAFileIsCutOrDamagedAtAnyByte) {
  const auto whole = encode_png(ramp(192), {3, 8, 8});
  // The last 12 bytes are the end mark, behind all pixels.
  for (size_t left = 0; left + 12 < whole.size(); ++left) {
    expect_error(Code::kDataLoss, {"x.png", "corrupt"}, [&] { decode_png(std::span(whole).first(left), "x.png"); });
  }
  auto damaged = whole;
  damaged[damaged.size() - 30] ^= std::byte{0x55};
  expect_error(Code::kDataLoss, {"x.png", "corrupt"}, [&] { decode_png(damaged, "x.png"); });
}

TEST(Png, LaysTransparencyOnBlack) {
  const std::vector<uint8_t> rgba = {200, 100, 50, 255, 200, 100, 50, 0};
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = 2;
  image.height = 1;
  image.format = PNG_FORMAT_RGBA;
  std::vector<std::byte> bytes(4096);
  png_alloc_size_t size = bytes.size();
  ASSERT_NE(png_image_write_to_memory(&image, bytes.data(), &size, 0, rgba.data(), 0, nullptr), 0);
  bytes.resize(size);
  EXPECT_EQ(decode_png(bytes, "x.png").pixels, (std::vector<uint8_t>{200, 0, 100, 0, 50, 0}));
}

TEST(Png, AnswersEveryDamagedByteWithAnErrorOrAPicture) {
  const auto whole = encode_png(ramp(192), {3, 8, 8});
  expect_only_errors({reinterpret_cast<const char*>(whole.data()), whole.size()},
                     [](const std::string& damaged) { decode_png(std::as_bytes(std::span(damaged)), "x.png"); });
}

}  // namespace
}  // namespace sooner
