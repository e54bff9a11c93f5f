#include "data/jpeg.h"

#include "support/data_files.h"

namespace sooner {
namespace {

std::span<const std::byte> as_bytes(const std::string& file) { return std::as_bytes(std::span(file)); }

TEST(Jpeg, DecodesColour) {
  const std::string file = jpeg_file(20, 10, {200, 30, 90});
  EXPECT_TRUE(is_jpeg(as_bytes(file)));
  const Picture picture = decode_jpeg(as_bytes(file), "x.jpg", 3);
  ASSERT_EQ(picture.shape, (Shape{3, 10, 20}));
  EXPECT_NEAR(picture.pixels[0], 200, 3);
  EXPECT_NEAR(picture.pixels[200], 30, 3);
  EXPECT_NEAR(picture.pixels[599], 90, 3);
}

TEST(Jpeg, DecodesColourToGreyAndGreyToColour) {
  const Picture grey = decode_jpeg(as_bytes(jpeg_file(8, 8, {255, 0, 0})), "x.jpg", 1);
  ASSERT_EQ(grey.shape, (Shape{1, 8, 8}));
  EXPECT_NEAR(grey.pixels[5], 76, 3);
  const Picture colour = decode_jpeg(as_bytes(jpeg_file(8, 8, {120})), "x.jpg", 3);
  ASSERT_EQ(colour.shape, (Shape{3, 8, 8}));
  EXPECT_NEAR(colour.pixels[130], 120, 2);
}

TEST(Jpeg, ShrinksOnTheWayButNotBelowWhatIsNeeded) {
  const std::string file = jpeg_file(200, 101, {10, 200, 90});
  EXPECT_EQ(decode_jpeg(as_bytes(file), "x.jpg", 3, 32, 32).shape, (Shape{3, 51, 100}));
  EXPECT_EQ(decode_jpeg(as_bytes(file), "x.jpg", 3, 8, 8).shape, (Shape{3, 13, 25}));
  EXPECT_EQ(decode_jpeg(as_bytes(file), "x.jpg", 3, 8, 8).stored, (Shape{3, 101, 200}));
  EXPECT_EQ(decode_jpeg(as_bytes(file), "x.jpg", 3, 80, 80).shape, (Shape{3, 101, 200}));
  EXPECT_EQ(decode_jpeg(as_bytes(file), "x.jpg", 3, 500, 500).shape, (Shape{3, 101, 200}));
  EXPECT_NEAR(decode_jpeg(as_bytes(file), "x.jpg", 3, 8, 8).pixels[400], 200, 3);
}

TEST(Jpeg, SaysThatAFileIsCut) {
  const std::string whole = jpeg_file(64, 64, {10, 200, 90});
  for (const size_t left : {whole.size() - 3, whole.size() - 40, whole.size() / 2, size_t{3}, size_t{0}}) {
    const std::string cut = whole.substr(0, left);
    expect_error(Code::kDataLoss, {"x.jpg", "corrupt"}, [&] { decode_jpeg(as_bytes(cut), "x.jpg", 3); });
  }
}

TEST(Jpeg, RefusesCmyk) {
  const std::vector<unsigned char> pixels(size_t{8} * 8 * 4, 100);
  tjhandle encoder = tjInitCompress();
  unsigned char* packed = nullptr;
  unsigned long size = 0;
  tjCompress2(encoder, pixels.data(), 8, 0, 8, TJPF_CMYK, &packed, &size, TJSAMP_444, 90, 0);
  const std::string file(reinterpret_cast<const char*>(packed), size);
  tjFree(packed);
  tjDestroy(encoder);
  expect_error(Code::kDataLoss, {"x.jpg", "CMYK", "convert"}, [&] { decode_jpeg(as_bytes(file), "x.jpg", 3); });
}

TEST(Jpeg, AnswersEveryDamagedByteWithAnErrorOrAPicture) {
  expect_only_errors(jpeg_file(16, 16, {10, 200, 90}),
                     [](const std::string& damaged) { decode_jpeg(as_bytes(damaged), "x.jpg", 3, 4, 4); });
}

}  // namespace
}  // namespace sooner
