// A source whose images are files: listed when made, decoded when first read.
//
// Decoded images are kept, at their final size, as long as the whole list fits into a gigabyte; so the second epoch
// costs no decoding. Does not notice files that change later.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/image_source.h"

namespace sooner {

struct LabelledFile {
  std::filesystem::path path;  // as it is opened
  std::string name;            // as it is hashed: relative to the folder or list
  int32_t label = 0;
};

class ImageFiles final : public ImageSource {
 public:
  // Images become `image_shape` [C, H, W], C = 1 or 3. Throws kInvalidArgument for another shape.
  ImageFiles(std::vector<LabelledFile> files, Shape image_shape);

  [[nodiscard]] int64_t size() const override { return static_cast<int64_t>(files_.size()); }
  [[nodiscard]] int32_t label(int64_t index) const override { return files_.at(static_cast<size_t>(index)).label; }
  // Throws kNotFound, kPermissionDenied or kDataLoss, naming the file.
  void read(int64_t index, std::span<uint8_t> pixels) const override;

  [[nodiscard]] const std::vector<LabelledFile>& files() const { return files_; }

 private:
  enum State : uint8_t { kEmpty, kBeingWritten, kKept };

  std::vector<LabelledFile> files_;
  Shape shape_;
  size_t image_bytes_;
  std::unique_ptr<uint8_t[]> kept_;  // [N, C, H, W], or null when too large; pages are taken as images come
  std::unique_ptr<std::atomic<uint8_t>[]> state_;
};

// Whether the name ends in .jpg, .jpeg or .png, in any case.
bool has_image_name(const std::filesystem::path& path);

// The bytes of one picture (JPEG or PNG, told by its content), decoded, scaled and cropped to `shape` [C, H, W], C = 1
// or 3, written to `pixels` in that order. Gives the shape it is stored in. `name` is what errors call it. Throws
// kInvalidArgument for another shape or size, kDataLoss for anything that is not a whole picture.
Shape read_image(std::span<const std::byte> bytes, std::string_view name, const Shape& shape,
                 std::span<uint8_t> pixels);

// The same of a file. Throws kNotFound and kPermissionDenied as well, naming the file.
Shape read_image_file(const std::filesystem::path& path, const Shape& shape, std::span<uint8_t> pixels);

}  // namespace sooner
