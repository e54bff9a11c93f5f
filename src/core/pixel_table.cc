#include "core/pixel_table.h"

#include <cstddef>

namespace sooner {

namespace {
constexpr size_t kBytes = 256;
}

PixelTable::PixelTable(std::span<const double> mean, std::span<const double> std) {
  numbers_.reserve(mean.size() * kBytes);
  for (size_t c = 0; c < mean.size(); ++c) {
    for (size_t byte = 0; byte < kBytes; ++byte) {
      numbers_.push_back(static_cast<float>((static_cast<double>(byte) / 255.0 - mean[c]) / std[c]));
    }
  }
}

void PixelTable::convert(std::span<const uint8_t> pixels, std::span<float> numbers) const {
  const size_t channels = numbers_.size() / kBytes, plane = channels > 0 ? pixels.size() / channels : 0;
  for (size_t c = 0; c < channels; ++c) {
    const float* of_channel = numbers_.data() + c * kBytes;
    for (size_t i = c * plane; i < (c + 1) * plane; ++i) numbers[i] = of_channel[pixels[i]];
  }
}

}  // namespace sooner
