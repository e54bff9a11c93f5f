#include "train/targets.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace sooner {

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
