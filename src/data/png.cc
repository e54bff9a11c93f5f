#include "data/png.h"

#include <png.h>

#include <algorithm>
#include <array>
#include <memory>

#include "core/error.h"

namespace sooner {
namespace {

constexpr uint64_t kMostPixels = uint64_t{1} << 27U;

// libpng's own memory in `image` is freed whatever happens.
struct Freed {
  void operator()(png_image* image) const { png_image_free(image); }
};
using Guard = std::unique_ptr<png_image, Freed>;

png_image new_image() {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  return image;
}

}  // namespace

std::vector<std::byte> encode_png(std::span<const uint8_t> pixels, const Shape& shape) {
  const bool fits = shape.size() == 3 && (shape[0] == 1 || shape[0] == 3) && element_count(shape) > 0 &&
                    shape[1] <= 1 << 15 && shape[2] <= 1 << 15 && std::ssize(pixels) == element_count(shape);
  if (!fits) {
    fail(Code::kInvalidArgument, "[png] got {} bytes for {}, expected 1 or 3 channels x height x width", pixels.size(),
         to_string(shape));
  }
  const auto channels = static_cast<size_t>(shape[0]);
  const size_t plane = pixels.size() / channels;
  std::vector<uint8_t> interleaved(pixels.size());  // as PNG has it: [H, W, C]
  for (size_t i = 0; i < plane; ++i) {
    for (size_t c = 0; c < channels; ++c) interleaved[i * channels + c] = pixels[c * plane + i];
  }

  png_image image = new_image();
  const Guard guard(&image);
  image.height = static_cast<png_uint_32>(shape[1]);
  image.width = static_cast<png_uint_32>(shape[2]);
  image.format = channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::vector<std::byte> bytes(size);
  if (png_image_write_to_memory(&image, bytes.data(), &size, 0, interleaved.data(), 0, nullptr) == 0) {
    fail(Code::kInternal, "[png] encoding {} failed: {}", to_string(shape), static_cast<const char*>(image.message));
  }
  bytes.resize(size);
  return bytes;
}

bool is_png(std::span<const std::byte> bytes) {
  constexpr std::array<unsigned char, 8> kSignature{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  return bytes.size() >= kSignature.size() &&
         std::equal(kSignature.begin(), kSignature.end(), bytes.begin(),
                    [](unsigned char expected, std::byte got) { return std::byte{expected} == got; });
}

Picture decode_png(std::span<const std::byte> bytes, std::string_view name) {
  png_image image = new_image();
  const Guard guard(&image);
  const auto check = [&](int done) {
    // Warnings too: they stand for data that is not as it should be.
    if (done != 0 && image.warning_or_error == 0) return;
    fail(Code::kDataLoss, "[png] '{}' is corrupt: {}; replace or remove it", name,
         static_cast<const char*>(image.message));
  };
  if (png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()) == 0) check(0);
  if (uint64_t{image.width} * image.height > kMostPixels) {
    fail(Code::kDataLoss, "[png] '{}' is {}x{}, expected at most {} pixels; scale it down", name, image.width,
         image.height, kMostPixels);
  }
  const bool colour = (image.format & PNG_FORMAT_FLAG_COLOR) != 0;
  image.format = colour ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  const size_t channels = colour ? 3 : 1;
  std::vector<uint8_t> interleaved(PNG_IMAGE_SIZE(image));
  const png_color black{0, 0, 0};
  check(png_image_finish_read(&image, &black, interleaved.data(), 0, nullptr));

  const Shape shape{static_cast<int64_t>(channels), image.height, image.width};
  Picture picture{shape, std::vector<uint8_t>(interleaved.size()), shape};
  const size_t plane = interleaved.size() / channels;
  for (size_t i = 0; i < plane; ++i) {
    for (size_t c = 0; c < channels; ++c) picture.pixels[c * plane + i] = interleaved[i * channels + c];
  }
  return picture;
}

}  // namespace sooner
