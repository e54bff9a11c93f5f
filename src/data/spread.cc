#include "data/spread.h"

namespace sooner {

std::vector<int64_t> spread_over(std::span<const int64_t> indices, int64_t count) {
  const auto all = static_cast<int64_t>(indices.size());
  if (count >= all) return {indices.begin(), indices.end()};
  std::vector<int64_t> chosen;
  for (int64_t part = 0; part < count; ++part) {
    chosen.push_back(indices[static_cast<size_t>((2 * part + 1) * all / (2 * count))]);
  }
  return chosen;
}

}  // namespace sooner
