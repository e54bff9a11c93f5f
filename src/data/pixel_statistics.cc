#include "data/pixel_statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "core/rng.h"

namespace sooner {

PixelStatistics pixel_statistics(const ImageSource& source, const Shape& image_shape, int64_t limit, uint64_t seed) {
  std::vector<int64_t> chosen(static_cast<size_t>(source.size()));
  std::iota(chosen.begin(), chosen.end(), int64_t{0});
  if (source.size() > limit) {
    Rng rng{seed, 0x57a75};
    shuffle(std::span(chosen), rng);
    chosen.resize(static_cast<size_t>(limit));
    std::sort(chosen.begin(), chosen.end());
  }

  const auto channels = static_cast<size_t>(image_shape[0]);
  const auto image_bytes = static_cast<size_t>(element_count(image_shape));
  const size_t plane = image_bytes / channels;
  std::vector<uint8_t> pixels(image_bytes);
  std::vector<uint64_t> sums(channels), squares(channels);  // whole numbers: exact, in any order
  for (const int64_t index : chosen) {
    source.read(index, pixels);
    for (size_t c = 0; c < channels; ++c) {
      uint64_t sum = 0, square = 0;
      for (const uint8_t pixel : std::span(pixels).subspan(c * plane, plane)) {
        sum += pixel;
        square += static_cast<uint32_t>(pixel) * pixel;
      }
      sums[c] += sum;
      squares[c] += square;
    }
  }

  PixelStatistics statistics;
  const double count = static_cast<double>(std::max<size_t>(1, chosen.size())) * static_cast<double>(plane);
  for (size_t c = 0; c < channels; ++c) {
    const double mean = static_cast<double>(sums[c]) / count;
    const double variance = static_cast<double>(squares[c]) / count - mean * mean;
    statistics.mean.push_back(mean / 255);
    statistics.std.push_back(std::max(1.0, std::sqrt(std::max(0.0, variance))) / 255);
  }
  return statistics;
}

}  // namespace sooner
