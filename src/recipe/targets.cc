#include "recipe/targets.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.h"

namespace sooner {

Standard standard_of(const ImageSource& source, std::span<const int64_t> indices) {
  double sum = 0, squares = 0;
  const auto n = static_cast<double>(indices.size());
  for (const int64_t index : indices) sum += static_cast<double>(source.target(index));
  for (const int64_t index : indices) {
    const double off = static_cast<double>(source.target(index)) - sum / n;
    squares += off * off;
  }
  const Standard standard{sum / n, std::sqrt(squares / n)};
  if (!std::isfinite(standard.mean) || !(standard.std > 0)) {
    fail(Code::kInvalidArgument,
         "[train] the targets have mean {} and standard deviation {}, expected numbers that differ", standard.mean,
         standard.std);
  }
  return standard;
}

std::vector<double> class_weights(std::string_view kind, std::span<const int64_t> counts, double beta) {
  if (kind == "none") return {};
  std::vector<double> weights;
  for (const int64_t count : counts) {
    const double n = static_cast<double>(std::max<int64_t>(count, 1));
    weights.push_back(kind == "inverse" ? 1 / n : (1 - beta) / (1 - std::pow(beta, n)));
  }
  const double mean = std::accumulate(weights.begin(), weights.end(), 0.0) / static_cast<double>(weights.size());
  for (double& weight : weights) weight /= mean;
  return weights;
}

}  // namespace sooner
