#include "tune/choosing/greedy_exits.h"

#include <algorithm>
#include <optional>

#include "policy/policy_kind.h"
#include "tune/choosing/accuracy_drop.h"
#include "tune/fitting/fit_policy.h"
#include "tune/fitting/temperature.h"
#include "tune/tables/exit_subset.h"

namespace sooner {
namespace {

// With three or more exits thresholds cannot all be tried; they need not be the very cheapest to rank exits by.
constexpr int64_t kProof = 2'000'000;

std::vector<size_t> with(std::vector<size_t> exits, size_t exit) {
  exits.insert(std::ranges::upper_bound(exits, exit), exit);
  return exits;
}

}  // namespace

std::vector<size_t> GreedyChoice::exits() const {
  std::vector<size_t> taken;
  for (const GreedyStep& step : steps) taken = with(std::move(taken), step.exit);
  return taken;
}

GreedyChoice choose_exits(const LogitTable& table, const GreedyOptions& options) {
  validate(table);
  const PolicyKind& kind = policy_kind(options.policy, table.classes);
  const std::vector<double> temperatures = kind.probabilities ? fit_temperatures(table) : std::vector<double>{};
  const auto with_exits = [&](const std::vector<size_t>& exits) {
    LogitTable kept = keep_exits(table, exits);
    if (options.exit_cost) kept.exit_cost = options.exit_cost(exits);
    return kept;
  };
  GreedyChoice choice{.cost_without = with_exits({}).exit_cost.back()};
  double cost = choice.cost_without;
  std::vector<size_t> taken;
  const auto early = static_cast<size_t>(table.exits) - 1;
  while (taken.size() < early && (options.most < 0 || taken.size() < static_cast<size_t>(options.most))) {
    std::optional<GreedyStep> best;
    for (size_t exit = 0; exit < early; ++exit) {
      if (std::ranges::binary_search(taken, exit)) continue;
      const std::vector<size_t> exits = with(taken, exit);
      FittedPolicy fitted{.policy = {.name = options.policy}};
      const LogitTable kept = with_exits(exits);
      if (kind.fits_apart) fitted = fit_policy(kept, std::move(fitted.policy));  // it cannot do without
      if (!temperatures.empty()) {
        for (const size_t k : exits) fitted.policy.temperatures.push_back(temperatures[k]);
        fitted.policy.temperatures.push_back(temperatures.back());
      }
      const ScoreTable scores = score_table(choosing_table(fitted, kept), fitted.policy);
      const Outcome expected = choose_by_accuracy_drop(scores, options.drop, {.most_steps = kProof}).expected;
      if (!best || expected.cost < best->cost) best = GreedyStep{exit, expected.cost, expected.quality};
    }
    if (best->cost >= cost) break;
    cost = best->cost;
    taken = with(std::move(taken), best->exit);
    choice.steps.push_back(*best);
  }
  return choice;
}

}  // namespace sooner
