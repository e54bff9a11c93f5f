#include "tune/choosing/exit_savings.h"

#include <algorithm>
#include <limits>

#include "core/parallel.h"

namespace sooner {

std::vector<double> exit_savings(const LogitTable& table, const PolicySpec& policy) {
  PolicySpec spec = policy;
  spec.wrappers.deadline_seconds = std::numeric_limits<double>::infinity();
  const auto chosen = make_policy(spec, policy_context(table));
  const auto exits = static_cast<size_t>(table.exits);
  // Of every sample: where it leaves, and where it would without that exit.
  const auto samples = static_cast<size_t>(table.samples);
  std::vector<size_t> left(samples), next(samples);
  for_each_block(table.samples, 256, [&](int64_t begin, int64_t end) {
    std::vector<std::byte> state(chosen->state_bytes());
    for (int64_t sample = begin; sample < end; ++sample) {
      std::ranges::fill(state, std::byte{0});
      size_t leavings = 0;
      for (size_t k = 0; k < exits && leavings < 2; ++k) {
        const auto exit = static_cast<int32_t>(k);
        if (!chosen->needs_exit(exit) || !chosen->decide(table.observation(sample, exit), state).leaves()) continue;
        (leavings++ == 0 ? left : next)[static_cast<size_t>(sample)] = k;
      }
    }
  });
  const std::vector<double> cost = cost_of_exits(table, *chosen);
  std::vector<double> saved(exits - 1, 0.0);
  std::vector<int64_t> reached(exits - 1, 0);
  for (size_t n = 0; n < samples; ++n) {
    for (size_t k = 0; k <= left[n] && k + 1 < exits; ++k) ++reached[k];
    if (left[n] + 1 < exits) saved[left[n]] += cost[next[n]] - cost[left[n]];
  }
  for (size_t k = 0; k < saved.size(); ++k) saved[k] /= static_cast<double>(std::max<int64_t>(1, reached[k]));
  return saved;
}

}  // namespace sooner
