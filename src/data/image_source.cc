#include "data/image_source.h"

#include <limits>

namespace sooner {

double ImageSource::difficulty(int64_t /*index*/) const { return std::numeric_limits<double>::quiet_NaN(); }

}  // namespace sooner
