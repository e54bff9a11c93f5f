// What a policy does to the samples of one class: averages hide it.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace sooner {

// NaN where there are no samples.
struct ClassOutcome {
  std::string name;
  int64_t samples = 0;
  double accuracy = std::numeric_limits<double>::quiet_NaN();
  double cost = std::numeric_limits<double>::quiet_NaN();     // mean, a fraction of the plain network's MACs
  double differs = std::numeric_limits<double>::quiet_NaN();  // share answered otherwise than by the last exit
  std::vector<double> shares = {};                            // [K], of its samples
};

}  // namespace sooner
