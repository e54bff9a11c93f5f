#include "data/jpeg.h"

#include <turbojpeg.h>

#include <memory>
#include <vector>

#include "core/error.h"

namespace sooner {
namespace {

constexpr int64_t kMostPixels = int64_t{1} << 27;

struct Destroyed {
  void operator()(void* handle) const { tjDestroy(handle); }
};

}  // namespace

bool is_jpeg(std::span<const std::byte> bytes) {
  return bytes.size() >= 3 && bytes[0] == std::byte{0xff} && bytes[1] == std::byte{0xd8} && bytes[2] == std::byte{0xff};
}

Picture decode_jpeg(std::span<const std::byte> bytes, std::string_view name, int64_t channels, int64_t least_height,
                    int64_t least_width) {
  SOONER_ASSERT(channels == 1 || channels == 3);
  const std::unique_ptr<void, Destroyed> decoder(tjInitDecompress());
  if (!decoder) fail(Code::kResourceExhausted, "[jpeg] no memory to decode '{}'", name);
  const auto corrupt = [&] {
    fail(Code::kDataLoss, "[jpeg] '{}' is corrupt: {}; replace or remove it", name, tjGetErrorStr2(decoder.get()));
  };
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  int width = 0, height = 0, subsampling = 0, colours = 0;
  if (tjDecompressHeader3(decoder.get(), data, bytes.size(), &width, &height, &subsampling, &colours) != 0) corrupt();
  if (colours == TJCS_CMYK || colours == TJCS_YCCK) {
    fail(Code::kDataLoss, "[jpeg] '{}' holds CMYK colours, expected grey or RGB; convert it", name);
  }
  if (int64_t{width} * height > kMostPixels) {
    fail(Code::kDataLoss, "[jpeg] '{}' is {}x{}, expected at most {} pixels; scale it down", name, width, height,
         kMostPixels);
  }
  const Shape stored{colours == TJCS_GRAY ? 1 : 3, height, width};
  for (int halving = 0; least_height > 0 && least_width > 0 && halving < 3; ++halving) {
    const int half_width = (width + 1) / 2, half_height = (height + 1) / 2;
    if (half_width < least_width || half_height < least_height) break;
    width = half_width;
    height = half_height;
  }

  const auto colour_count = static_cast<size_t>(channels);
  std::vector<uint8_t> interleaved(static_cast<size_t>(width) * static_cast<size_t>(height) * colour_count);
  const int format = channels == 1 ? TJPF_GRAY : TJPF_RGB;
  // The decoder takes the largest scaling that fits. Warnings (a file cut short) count as errors: half a picture is
  // none.
  if (tjDecompress2(decoder.get(), data, bytes.size(), interleaved.data(), width, 0, height, format, 0) != 0) corrupt();

  Picture picture{{channels, height, width}, std::vector<uint8_t>(interleaved.size()), stored};
  const size_t plane = interleaved.size() / colour_count;
  for (size_t i = 0; i < plane; ++i) {
    for (size_t c = 0; c < colour_count; ++c) picture.pixels[c * plane + i] = interleaved[i * colour_count + c];
  }
  return picture;
}

}  // namespace sooner
