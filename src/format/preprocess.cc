#include "format/preprocess.h"

#include "core/error.h"
#include "core/pixel_table.h"

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
  const PixelTable table(preprocessing.mean, preprocessing.std);
  std::vector<float> values(pixels.size());
  const std::span<float> numbers(values);
  for (size_t at = 0; at < pixels.size(); at += image) {
    table.convert(pixels.subspan(at, image), numbers.subspan(at, image));
  }
  return values;
}

}  // namespace sooner
