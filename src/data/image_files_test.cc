#include "data/image_files.h"

#include <thread>

#include "data/png.h"
#include "support/data_files.h"

namespace sooner {
namespace {

std::string png_file(int side, uint8_t value) {
  const auto bytes = encode_png(std::vector<uint8_t>(static_cast<size_t>(side * side), value), {1, side, side});
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(ImageFiles, DecodeWhatIsReadByContentNotByName) {
  const TemporaryFolder folder;
  const ImageFiles files({{folder.write("a.png", png_file(5, 77)), "a.png", 1},
                          {folder.write("b.png", jpeg_file(40, 30, {10, 200, 90})), "b.png", 0}},
                         {3, 8, 8});
  EXPECT_EQ(files.size(), 2);
  EXPECT_EQ(files.label(0), 1);
  std::vector<uint8_t> pixels(192);
  files.read(0, pixels);
  EXPECT_EQ(pixels, std::vector<uint8_t>(192, 77));
  files.read(1, pixels);
  EXPECT_NEAR(pixels[70], 200, 3);
}

TEST(ImageFiles, InMemoryAreReadAsThoseOnDisk) {
  const TemporaryFolder folder;
  for (const std::string& file : {png_file(5, 77), jpeg_file(40, 30, {10, 200, 90})}) {
    std::vector<uint8_t> from_disk(192), from_memory(192);
    const Shape stored = read_image_file(folder.write("a", file), {3, 8, 8}, from_disk);
    const auto bytes = std::as_bytes(std::span(file));
    EXPECT_EQ(read_image(bytes, "upload 7", {3, 8, 8}, from_memory), stored);
    EXPECT_EQ(from_memory, from_disk);
    expect_error(Code::kDataLoss, {"'upload 7'"},
                 [&] { read_image(bytes.first(bytes.size() - 20), "upload 7", {3, 8, 8}, from_memory); });
    expect_error(Code::kInvalidArgument, {"room for 3 pixels, expected 192"},
                 [&] { read_image(bytes, "upload 7", {3, 8, 8}, std::span(from_memory).first(3)); });
  }
  std::vector<uint8_t> pixels(192);
  expect_error(Code::kDataLoss, {"'upload 7' (0 bytes) does not start as a JPEG or PNG does"},
               [&] { read_image({}, "upload 7", {3, 8, 8}, pixels); });
}

TEST(ImageFiles, AreDecodedOnce) {
  const TemporaryFolder folder;
  const auto path = folder.write("a.png", png_file(4, 9));
  const ImageFiles files({{path, "a.png", 0}}, {1, 4, 4});
  std::vector<uint8_t> first(16), second(16);
  files.read(0, first);
  std::filesystem::remove(path);
  files.read(0, second);
  EXPECT_EQ(first, second);
}

TEST(ImageFiles, AreReadFromSeveralThreadsAtOnce) {
  const TemporaryFolder folder;
  std::vector<LabelledFile> list;
  for (int i = 0; i < 8; ++i) {
    const std::string name = std::to_string(i) + ".png";
    list.push_back({folder.write(name, png_file(6, static_cast<uint8_t>(i))), name, i});
  }
  const ImageFiles files(list, {1, 6, 6});
  std::vector<int> wrong(4);
  {
    std::vector<std::jthread> threads;
    for (size_t t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        std::vector<uint8_t> pixels(36);
        for (int round = 0; round < 5; ++round) {
          for (int64_t i = 0; i < 8; ++i) {
            files.read(i, pixels);
            if (pixels != std::vector<uint8_t>(36, static_cast<uint8_t>(i))) ++wrong[t];
          }
        }
      });
    }
  }
  EXPECT_EQ(wrong, std::vector<int>(4));
}

TEST(ImageFiles, NameTheFileThatWentBad) {
  const TemporaryFolder folder;
  const std::string whole = png_file(20, 9);
  const ImageFiles files({{folder.write("cut.png", whole.substr(0, 45)), "cut.png", 0},
                          {folder.write("page.jpg", "<html>"), "page.jpg", 0},
                          {folder.path() / "gone.png", "gone.png", 0},
                          {folder.write("empty.png", ""), "empty.png", 0}},
                         {1, 8, 8});
  std::vector<uint8_t> pixels(64);
  for (int round = 0; round < 2; ++round) {
    expect_error(Code::kDataLoss, {"cut.png", "corrupt"}, [&] { files.read(0, pixels); });
    expect_error(Code::kDataLoss, {"page.jpg", "JPEG or PNG"}, [&] { files.read(1, pixels); });
    expect_error(Code::kNotFound, {"gone.png"}, [&] { files.read(2, pixels); });
    expect_error(Code::kDataLoss, {"empty.png", "0 bytes"}, [&] { files.read(3, pixels); });
  }
  expect_error(Code::kOutOfRange, {"image 4"}, [&] { files.read(4, pixels); });
}

TEST(ImageFiles, RefuseShapesTheyCannotMake) {
  for (const Shape& shape : {Shape{2, 8, 8}, Shape{3, 0, 8}, Shape{3, 8}, Shape{3, 8, 5000}}) {
    expect_error(Code::kInvalidArgument, {to_string(shape)}, [&] { ImageFiles files({}, shape); });
  }
}

TEST(ImageFiles, AreReadAloneOnlyIntoRoomOfTheirSize) {
  const TemporaryFolder folder;
  const auto path = folder.write("a.png", png_file(5, 77));
  std::vector<uint8_t> pixels(64);
  EXPECT_EQ(read_image_file(path, {1, 8, 8}, pixels), (Shape{1, 5, 5}));
  EXPECT_EQ(pixels, std::vector<uint8_t>(64, 77));
  expect_error(Code::kInvalidArgument, {"64 pixels", "192", "3x8x8"},
               [&] { read_image_file(path, {3, 8, 8}, pixels); });
  expect_error(Code::kInvalidArgument, {"8x8"}, [&] { read_image_file(path, {8, 8}, pixels); });
}

TEST(ImageFiles, KnowImagesByTheirNames) {
  EXPECT_TRUE(has_image_name("a/b.JPG"));
  EXPECT_TRUE(has_image_name("b.jpeg"));
  EXPECT_TRUE(has_image_name("b.Png"));
  EXPECT_FALSE(has_image_name("b.txt"));
  EXPECT_FALSE(has_image_name("png"));
}

}  // namespace
}  // namespace sooner
