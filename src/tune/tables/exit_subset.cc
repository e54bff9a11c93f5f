#include "tune/tables/exit_subset.h"

#include "core/error.h"

namespace sooner {

LogitTable keep_exits(const LogitTable& table, std::span<const size_t> kept) {
  const auto exits = static_cast<size_t>(table.exits);
  if (table.head_cost.size() != exits) {
    fail(Code::kInvalidArgument, "[exits] the table does not say what its heads cost, so none can be taken off");
  }
  for (size_t i = 0; i < kept.size(); ++i) {
    if (kept[i] + 1 < exits && (i == 0 || kept[i] > kept[i - 1])) continue;
    fail(Code::kInvalidArgument, "[exits] got exit {} to keep at place {}, expected early exits (0 to {}), rising",
         kept[i], i, static_cast<int64_t>(exits) - 2);
  }
  std::vector<size_t> chosen(kept.begin(), kept.end());
  chosen.push_back(exits - 1);
  LogitTable result{.samples = table.samples, .exits = static_cast<int32_t>(chosen.size()), .classes = table.classes};
  result.labels = table.labels;
  result.targets = table.targets;
  if (table.cost_weights && !kept.empty()) result.cost_weights = keep_exits(*table.cost_weights, kept);
  double dropped = 0;  // heads before the exit at hand
  for (size_t k = 0, next = 0; k < exits; ++k) {
    if (k != chosen[next]) {
      dropped += table.head_cost[k];
      continue;
    }
    ++next;
    result.exit_cost.push_back(table.exit_cost[k] - dropped);
    result.head_cost.push_back(table.head_cost[k]);
  }
  const auto samples = static_cast<size_t>(table.samples);
  result.logits.reserve(samples * chosen.size() * static_cast<size_t>(table.classes));
  result.gates.reserve(samples * kept.size());
  for (int64_t n = 0; n < table.samples; ++n) {
    for (const size_t k : chosen) {
      const std::span<const float> logits = table.at(n, static_cast<int32_t>(k));
      result.logits.insert(result.logits.end(), logits.begin(), logits.end());
    }
    for (const size_t k : kept) result.gates.push_back(table.gate(n, static_cast<int32_t>(k)));
  }
  return result;
}

}  // namespace sooner
