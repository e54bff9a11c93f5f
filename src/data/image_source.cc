#include "data/image_source.h"

#include <limits>

namespace sooner {

float ImageSource::target(int64_t /*index*/) const { return std::numeric_limits<float>::quiet_NaN(); }

double ImageSource::difficulty(int64_t /*index*/) const { return std::numeric_limits<double>::quiet_NaN(); }

}  // namespace sooner
