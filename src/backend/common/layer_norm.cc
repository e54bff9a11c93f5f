#include "backend/common/layer_norm.h"

#include <cmath>

namespace sooner {

void layer_norm(std::span<const float> src, double epsilon, std::span<float> dst) {
  const auto count = static_cast<double>(src.size());
  double sum = 0, squares = 0;
  for (const float x : src) sum += x;
  const double mean = sum / count;
  for (const float x : src) squares += (x - mean) * (x - mean);
  const double deviation = std::sqrt(squares / count + epsilon);
  for (size_t i = 0; i < src.size(); ++i) dst[i] = static_cast<float>((src[i] - mean) / deviation);
}

}  // namespace sooner
