// Every exit's logits for a list of samples: what tuning and replay work on.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "policy/exit_policy.h"

namespace sooner {

struct LogitTable {
  int64_t samples = 0;                // N
  int32_t exits = 0;                  // K
  int32_t classes = 0;                // C
  std::vector<float> logits;          // [N, K, C], C fastest
  std::vector<float> gates;           // [N, K-1], sigmoid outputs; NaN without gate
  std::vector<int32_t> labels;        // [N]
  std::vector<double> exit_cost;      // [K], C_k as fractions of the plain backbone
  [[nodiscard]] std::span<const float> at(int64_t sample, int32_t exit) const {
    const auto c = static_cast<size_t>(classes);
    return {logits.data() + (static_cast<size_t>(sample) * static_cast<size_t>(exits) + static_cast<size_t>(exit)) * c, c};
  }
  [[nodiscard]] float gate(int64_t sample, int32_t exit) const {
    return exit + 1 == exits ? 1.0F
                             : gates[static_cast<size_t>(sample) * static_cast<size_t>(exits - 1) + static_cast<size_t>(exit)];
  }
};

// What a policy would do on the table: the same decisions as in the engine.
struct Replay {
  std::vector<int32_t> exit_index;    // [N]
  std::vector<float> score;           // [N], at the exit taken
  double accuracy = 0;
  double cost = 0;                    // mean C_k
  std::vector<double> shares;         // [K]
};
Replay replay(const LogitTable& table, const ExitPolicy& policy);

}  // namespace sooner
