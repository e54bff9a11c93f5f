#include "data/idx.h"

#include <array>
#include <utility>

#include "core/error.h"
#include "data/byte_stream.h"
#include "data/memory_source.h"

namespace sooner {
namespace {

constexpr uint32_t kLabelMagic = 0x00000801;  // unsigned bytes, one dimension
constexpr uint32_t kImageMagic = 0x00000803;  // unsigned bytes, three dimensions
constexpr uint32_t kLargestSide = 4096;

uint32_t read_u32(ByteStream& stream, std::string_view what) {
  std::array<std::byte, 4> bytes{};
  stream.read(bytes, what);
  uint32_t value = 0;
  for (const std::byte byte : bytes) value = value << 8U | std::to_integer<uint32_t>(byte);
  return value;
}

void expect_magic(ByteStream& stream, uint32_t expected, std::string_view kind) {
  const uint32_t magic = read_u32(stream, "the IDX header");
  if (magic == expected) return;
  std::string_view hint = "it is no IDX file of unsigned bytes";
  if (magic == kLabelMagic) hint = "it is a label file";
  if (magic == kImageMagic) hint = "it is an image file";
  fail(Code::kDataLoss, "[idx] '{}' starts with 0x{:08x} at byte 0, expected 0x{:08x} for {}: {}; name the right file",
       stream.path().string(), magic, expected, kind, hint);
}

uint32_t read_extent(ByteStream& stream, std::string_view name, uint32_t limit) {
  const uint64_t at = stream.offset();
  const uint32_t value = read_u32(stream, "the IDX header");
  if (value == 0 || value > limit) {
    fail(Code::kDataLoss, "[idx] '{}' claims {} {} at byte {}, expected 1 to {}; fetch it again",
         stream.path().string(), value, name, at, limit);
  }
  return value;
}

}  // namespace

IdxImages read_idx_images(const std::filesystem::path& path) {
  ByteStream stream(path);
  expect_magic(stream, kImageMagic, "images");
  IdxImages images;
  images.count = read_extent(stream, "images", UINT32_MAX);
  images.height = read_extent(stream, "rows", kLargestSide);
  images.width = read_extent(stream, "columns", kLargestSide);
  images.pixels = stream.read_vector(static_cast<uint64_t>(images.count * images.height * images.width), "the pixels");
  stream.expect_end("the pixels");
  return images;
}

std::vector<uint8_t> read_idx_labels(const std::filesystem::path& path) {
  ByteStream stream(path);
  expect_magic(stream, kLabelMagic, "labels");
  const uint32_t count = read_extent(stream, "labels", UINT32_MAX);
  std::vector<uint8_t> labels = stream.read_vector(count, "the labels");
  stream.expect_end("the labels");
  return labels;
}

std::shared_ptr<const ImageSource> read_idx_pair(const std::filesystem::path& images_path,
                                                 const std::filesystem::path& labels_path, int64_t classes,
                                                 Shape& image_shape) {
  const std::vector<uint8_t> bytes = read_idx_labels(labels_path);
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] < classes) continue;
    fail(Code::kDataLoss,
         "[idx] '{}' has label {} at byte {}, expected 0 to {}; fetch it again, or open it as another set",
         labels_path.string(), bytes[i], 8 + i, classes - 1);
  }
  IdxImages images = read_idx_images(images_path);
  if (images.count != static_cast<int64_t>(bytes.size())) {
    fail(Code::kDataLoss, "[idx] '{}' holds {} labels for the {} images of '{}', expected as many; fetch both again",
         labels_path.string(), bytes.size(), images.count, images_path.string());
  }
  image_shape = {1, images.height, images.width};
  return std::make_shared<const MemorySource>(image_shape, std::move(images.pixels),
                                              std::vector<int32_t>(bytes.begin(), bytes.end()));
}

}  // namespace sooner
