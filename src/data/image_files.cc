#include "data/image_files.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "core/error.h"
#include "core/file.h"
#include "data/jpeg.h"
#include "data/picture.h"
#include "data/png.h"

namespace sooner {
namespace {

constexpr size_t kMostKeptBytes = size_t{1} << 30U;
constexpr size_t kLargestFile = size_t{1} << 28U;

// Throws kInvalidArgument unless a picture can become this.
void check_shape(const Shape& shape) {
  const bool fits =
      shape.size() == 3 && (shape[0] == 1 || shape[0] == 3) &&
      std::all_of(shape.begin(), shape.end(), [](int64_t extent) { return extent > 0 && extent <= 4096; });
  if (fits) return;
  fail(Code::kInvalidArgument, "[image] got image shape {}, expected 1 or 3 channels x 1 to 4096 x 1 to 4096",
       to_string(shape));
}

}  // namespace

bool has_image_name(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
}

Shape read_image(std::span<const std::byte> bytes, std::string_view name, const Shape& shape,
                 std::span<uint8_t> pixels) {
  check_shape(shape);
  if (std::ssize(pixels) != element_count(shape)) {
    fail(Code::kInvalidArgument, "[image] got room for {} pixels, expected {} for {}", pixels.size(),
         element_count(shape), to_string(shape));
  }
  Picture picture;
  if (is_png(bytes)) {
    picture = with_channels(decode_png(bytes, name), shape[0]);
  } else if (is_jpeg(bytes)) {
    picture = decode_jpeg(bytes, name, shape[0], shape[1], shape[2]);
  } else {
    fail(Code::kDataLoss, "[image] '{}' ({} bytes) does not start as a JPEG or PNG does; replace or remove it", name,
         bytes.size());
  }
  fit_picture(picture, shape, pixels);
  return picture.stored;
}

Shape read_image_file(const std::filesystem::path& path, const Shape& shape, std::span<uint8_t> pixels) {
  check_shape(shape);
  return read_image(read_file(path, kLargestFile), path.string(), shape, pixels);
}

ImageFiles::ImageFiles(std::vector<LabelledFile> files, Shape image_shape)
    : files_(std::move(files)), shape_(std::move(image_shape)) {
  check_shape(shape_);
  image_bytes_ = static_cast<size_t>(element_count(shape_));
  if (files_.size() * image_bytes_ <= kMostKeptBytes) {
    kept_ = std::make_unique_for_overwrite<uint8_t[]>(files_.size() * image_bytes_);
    state_ = std::make_unique<std::atomic<uint8_t>[]>(files_.size());
  }
}

void ImageFiles::read(int64_t index, std::span<uint8_t> pixels) const {
  if (index < 0 || index >= size() || pixels.size() != image_bytes_) {
    fail(Code::kOutOfRange, "[image] read of image {} into {} bytes, expected an index below {} and {} bytes", index,
         pixels.size(), size(), image_bytes_);
  }
  const auto at = static_cast<size_t>(index);
  if (!kept_) {
    read_image_file(files_[at].path, shape_, pixels);
    return;
  }
  uint8_t* place = kept_.get() + at * image_bytes_;
  if (state_[at].load(std::memory_order_acquire) == kKept) {
    std::copy_n(place, image_bytes_, pixels.begin());
    return;
  }
  read_image_file(files_[at].path, shape_, pixels);
  // Of several threads that decoded the same image, one keeps it; nobody waits.
  uint8_t expected = kEmpty;
  if (state_[at].compare_exchange_strong(expected, kBeingWritten, std::memory_order_relaxed)) {
    std::copy(pixels.begin(), pixels.end(), place);
    state_[at].store(kKept, std::memory_order_release);
  }
}

}  // namespace sooner
