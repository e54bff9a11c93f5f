// Mean and standard deviation of a set's pixels, for normalisation.
#pragma once

#include <cstdint>
#include <vector>

#include "data/image_source.h"

namespace sooner {

struct PixelStatistics {
  std::vector<double> mean;  // [C], of pixels / 255
  std::vector<double> std;   // [C]; at least 1/255, so that a blank channel divides by something
};

// Over the whole source, or over `limit` images drawn with `seed` when it is larger. Throws what read() throws.
PixelStatistics pixel_statistics(const ImageSource& source, const Shape& image_shape, int64_t limit, uint64_t seed);

}  // namespace sooner
