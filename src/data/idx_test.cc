#include "data/idx.h"

#include "support/data_files.h"

namespace sooner {
namespace {

const std::string kPixels = bytes_of({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});

TEST(Idx, ReadsImagesAndLabelsPlainAndPacked) {
  const TemporaryFolder folder;
  for (const bool packed : {false, true}) {
    const auto file = [&](const std::string& content) { return packed ? gzip(content) : content; };
    const auto images = folder.write("images", file(idx_images(2, 2, 3, kPixels)));
    const auto labels = folder.write("labels", file(idx_labels({7, 0})));
    Shape shape;
    const auto source = read_idx_pair(images, labels, 10, shape);
    EXPECT_EQ(shape, (Shape{1, 2, 3}));
    ASSERT_EQ(source->size(), 2);
    EXPECT_EQ(source->label(0), 7);
    EXPECT_EQ(source->label(1), 0);
    std::vector<uint8_t> pixels(6);
    source->read(1, pixels);
    EXPECT_EQ(pixels, (std::vector<uint8_t>{7, 8, 9, 10, 11, 12}));
    EXPECT_TRUE(std::isnan(source->difficulty(0)));
  }
}

TEST(Idx, SaysWhichKindOfFileItGot) {
  const TemporaryFolder folder;
  const auto images = folder.write("images", idx_images(2, 2, 3, kPixels));
  const auto labels = folder.write("labels", idx_labels({7, 0}));
  expect_error(Code::kDataLoss, {"labels", "0x00000801", "0x00000803", "label file"}, [&] { read_idx_images(labels); });
  expect_error(Code::kDataLoss, {"images", "0x00000803", "0x00000801", "image file"}, [&] { read_idx_labels(images); });
  const auto page = folder.write("page", "<!DOCTYPE html>");
  expect_error(Code::kDataLoss, {"page", "0x3c21444f", "no IDX"}, [&] { read_idx_images(page); });
}

TEST(Idx, SaysWhereATruncatedFileEnds) {
  const TemporaryFolder folder;
  const std::string whole = idx_images(2, 2, 3, kPixels);
  for (size_t left = 0; left < whole.size(); ++left) {
    const auto path = folder.write("cut", whole.substr(0, left));
    expect_error(Code::kDataLoss, {"cut", "byte " + std::to_string(left)}, [&] { read_idx_images(path); });
  }
  const auto labels = folder.write("labels", idx_labels({1, 2, 3}).substr(0, 10));
  expect_error(Code::kDataLoss, {"labels", "byte 10", "1 more"}, [&] { read_idx_labels(labels); });
}

TEST(Idx, RefusesBytesBeyondTheLastImage) {
  const TemporaryFolder folder;
  const auto path = folder.write("long", idx_images(2, 2, 3, kPixels + "x"));
  expect_error(Code::kDataLoss, {"long", "goes on after byte 28"}, [&] { read_idx_images(path); });
}

TEST(Idx, RefusesImpossibleExtentsWithoutTakingMemory) {
  const TemporaryFolder folder;
  const auto none = folder.write("none", idx_images(0, 2, 3, ""));
  expect_error(Code::kDataLoss, {"none", "0 images at byte 4"}, [&] { read_idx_images(none); });
  const auto wide = folder.write("wide", idx_images(1, 2, 0xffffffff, ""));
  expect_error(Code::kDataLoss, {"wide", "columns at byte 12", "4096"}, [&] { read_idx_images(wide); });
  const auto many = folder.write("many", idx_images(0xffffffff, 4096, 4096, kPixels));
  expect_error(Code::kDataLoss, {"many", "byte 28"}, [&] { read_idx_images(many); });
}

TEST(Idx, RefusesALabelOutOfRange) {
  const TemporaryFolder folder;
  const auto images = folder.write("images", idx_images(2, 2, 3, kPixels));
  const auto labels = folder.write("labels", idx_labels({3, 10}));
  Shape shape;
  expect_error(Code::kDataLoss, {"labels", "label 10 at byte 9", "0 to 9"},
               [&] { read_idx_pair(images, labels, 10, shape); });
}

TEST(Idx, RefusesAnotherNumberOfLabelsThanImages) {
  const TemporaryFolder folder;
  const auto images = folder.write("images", idx_images(2, 2, 3, kPixels));
  const auto labels = folder.write("labels", idx_labels({3, 1, 2}));
  Shape shape;
  expect_error(Code::kDataLoss, {"labels", "3 labels", "2 images", "images"},
               [&] { read_idx_pair(images, labels, 10, shape); });
}

TEST(Idx, AnswersEveryDamagedByteWithAnErrorOrAnImage) {
  const TemporaryFolder folder;
  for (const std::string& whole : {idx_images(2, 2, 3, kPixels), gzip(idx_images(2, 2, 3, kPixels))}) {
    expect_only_errors(whole, [&](const std::string& damaged) { read_idx_images(folder.write("a", damaged)); });
  }
}

}  // namespace
}  // namespace sooner
