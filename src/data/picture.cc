#include "data/picture.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/error.h"

namespace sooner {
namespace {

// For every output position along one side: the first source position it draws on, and the weights from there.
struct Taps {
  std::vector<int64_t> first;
  std::vector<std::vector<float>> weights;
};

// A triangle filter, as wide as one source pixel when growing and one output pixel when shrinking; `step` source pixels
// an output pixel, the crop in the middle.
Taps make_taps(int64_t source, int64_t target, double step) {
  Taps taps;
  const double width = std::max(1.0, step);
  const double margin = (static_cast<double>(source) - step * static_cast<double>(target)) / 2;
  for (int64_t i = 0; i < target; ++i) {
    const double centre = margin + (static_cast<double>(i) + 0.5) * step - 0.5;
    const int64_t low = std::clamp<int64_t>(std::llround(std::ceil(centre - width)), 0, source - 1);
    const int64_t high = std::clamp<int64_t>(std::llround(std::floor(centre + width)), low, source - 1);
    std::vector<float> weights;
    double total = 0;
    for (int64_t s = low; s <= high; ++s) {
      const double weight = std::max(1e-6, 1 - std::abs(static_cast<double>(s) - centre) / width);
      weights.push_back(static_cast<float>(weight));
      total += weight;
    }
    for (float& weight : weights) weight = static_cast<float>(weight / total);
    taps.first.push_back(low);
    taps.weights.push_back(std::move(weights));
  }
  return taps;
}

}  // namespace

Picture with_channels(Picture picture, int64_t channels) {
  if (picture.shape[0] == channels) return picture;
  const auto plane = static_cast<size_t>(picture.shape[1] * picture.shape[2]);
  Picture out{{channels, picture.shape[1], picture.shape[2]}, {}, picture.stored};
  if (channels == 3) {
    for (int c = 0; c < 3; ++c) out.pixels.insert(out.pixels.end(), picture.pixels.begin(), picture.pixels.end());
    return out;
  }
  SOONER_ASSERT(channels == 1 && picture.shape[0] == 3);
  out.pixels.resize(plane);
  for (size_t i = 0; i < plane; ++i) {
    // Weights of 65536, which they add up to.
    const uint32_t grey =
        19595U * picture.pixels[i] + 38470U * picture.pixels[plane + i] + 7471U * picture.pixels[2 * plane + i];
    out.pixels[i] = static_cast<uint8_t>((grey + 32768U) >> 16U);
  }
  return out;
}

void fit_picture(const Picture& picture, const Shape& shape, std::span<uint8_t> out) {
  SOONER_ASSERT(shape.size() == 3 && picture.shape.size() == 3 && shape[0] == picture.shape[0]);
  SOONER_ASSERT(std::ssize(out) == element_count(shape) && std::ssize(picture.pixels) == element_count(picture.shape));
  if (picture.shape == shape) {
    std::copy(picture.pixels.begin(), picture.pixels.end(), out.begin());
    return;
  }
  const int64_t from_height = picture.shape[1], from_width = picture.shape[2];
  const int64_t height = shape[1], width = shape[2];
  const double step = std::min(static_cast<double>(from_height) / static_cast<double>(height),
                               static_cast<double>(from_width) / static_cast<double>(width));
  const Taps across = make_taps(from_width, width, step);
  const Taps down = make_taps(from_height, height, step);

  std::vector<float> rows(static_cast<size_t>(from_height * width));  // scaled across, not yet down
  std::vector<float> sums(static_cast<size_t>(width));
  for (int64_t c = 0; c < shape[0]; ++c) {
    const uint8_t* plane = picture.pixels.data() + c * from_height * from_width;
    for (int64_t y = down.first.front(); y < from_height; ++y) {
      const uint8_t* row = plane + y * from_width;
      for (int64_t x = 0; x < width; ++x) {
        const auto at = static_cast<size_t>(x);
        const uint8_t* source = row + across.first[at];
        float sum = 0;
        for (const float weight : across.weights[at]) sum += weight * static_cast<float>(*source++);
        rows[static_cast<size_t>(y * width + x)] = sum;
      }
    }
    for (int64_t y = 0; y < height; ++y) {
      std::fill(sums.begin(), sums.end(), 0.0F);
      const float* row = rows.data() + down.first[static_cast<size_t>(y)] * width;
      for (const float weight : down.weights[static_cast<size_t>(y)]) {
        for (size_t x = 0; x < sums.size(); ++x) sums[x] += weight * row[x];
        row += width;
      }
      uint8_t* target = out.data() + (c * height + y) * width;
      for (size_t x = 0; x < sums.size(); ++x)
        target[x] = static_cast<uint8_t>(std::clamp(sums[x] + 0.5F, 0.0F, 255.0F));
    }
  }
}

}  // namespace sooner
