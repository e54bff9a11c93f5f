// A mean over seeds and how sure it is.
#pragma once

#include <span>

namespace sooner {

struct MeanInterval {
  double mean = 0;
  double half_width = 0;  // of the 95 % interval by Student's t; NaN for fewer than two values
};
// Throws kInvalidArgument for no values, or one that is not finite.
MeanInterval mean_interval(std::span<const double> values);

}  // namespace sooner
