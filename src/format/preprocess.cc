#include "format/preprocess.h"

#include "core/error.h"

namespace sooner {

std::vector<float> preprocess(const Preprocessing& preprocessing, std::span<const uint8_t> pixels) {
  const Shape& shape = preprocessing.image_shape;
  const auto image = static_cast<size_t>(element_count(shape));
  if (shape.size() != 3 || image == 0 || pixels.size() % image != 0) {
    fail(Code::kInvalidArgument, "[preprocess] got {} pixels, expected whole pictures of {}", pixels.size(),
         to_string(shape));
  }
  const auto channels = static_cast<size_t>(shape[0]);
  if (preprocessing.mean.size() != channels || preprocessing.std.size() != channels) {
    fail(Code::kInvalidArgument, "[preprocess] got {} means and {} deviations, expected one of each for {} channels",
         preprocessing.mean.size(), preprocessing.std.size(), channels);
  }
  std::vector<float> values;
  values.reserve(pixels.size());
  const size_t plane = image / channels;
  for (size_t i = 0; i < pixels.size(); ++i) {
    const size_t channel = i / plane % channels;
    values.push_back(
        static_cast<float>((pixels[i] / 255.0 - preprocessing.mean[channel]) / preprocessing.std[channel]));
  }
  return values;
}

}  // namespace sooner
