#include "tune/exit_savings.h"

#include <algorithm>
#include <limits>

namespace sooner {

std::vector<double> exit_savings(const LogitTable& table, const PolicySpec& policy) {
  PolicySpec spec = policy;
  spec.deadline_seconds = std::numeric_limits<double>::infinity();
  const auto chosen = make_policy(spec, policy_context(table));
  const auto exits = static_cast<size_t>(table.exits);
  std::vector<double> saved(exits - 1, 0.0);
  std::vector<int64_t> reached(exits - 1, 0);
  std::vector<std::byte> state(chosen->state_bytes());
  for (int64_t n = 0; n < table.samples; ++n) {
    std::ranges::fill(state, std::byte{0});
    size_t left = exits;  // where it leaves
    for (size_t k = 0; k < exits; ++k) {
      const auto exit = static_cast<int32_t>(k);
      if (left == exits && k + 1 < exits) ++reached[k];
      if (!chosen->needs_exit(exit) || !chosen->decide(table.observation(n, exit), state).leaves()) continue;
      if (left < exits) {
        saved[left] += table.exit_cost[k] - table.exit_cost[left];
        break;
      }
      left = k;
    }
  }
  for (size_t k = 0; k < saved.size(); ++k) saved[k] /= static_cast<double>(std::max<int64_t>(1, reached[k]));
  return saved;
}

}  // namespace sooner
