#include "tune/budget.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include "core/error.h"
#include "tune/shares.h"

namespace sooner {

std::vector<double> geometric_shares(double q, int32_t exits) {
  std::vector<double> shares;
  shares.reserve(static_cast<size_t>(exits));
  // Powers relative to the largest one, so that no q overflows.
  const int32_t largest = q > 1 ? exits - 1 : 0;
  for (int32_t k = 0; k < exits; ++k) shares.push_back(std::pow(q, k - largest));
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  for (double& share : shares) share /= sum;
  return shares;
}

std::vector<double> geometric_shares(double q, const ScoreTable& table) {
  std::vector<double> shares = geometric_shares(q, open_exits(table));
  shares.insert(shares.begin(), static_cast<size_t>(table.exits) - shares.size(), 0.0);
  return shares;
}

std::vector<double> budget_ratios() {
  std::vector<double> ratios;
  for (int step = 1; step <= 39; ++step) ratios.push_back(step / 20.0);
  return ratios;
}

ThresholdChoice choose_by_budget(const ScoreTable& table, double budget) {
  if (!(budget > 0) || !std::isfinite(budget)) {
    fail(Code::kInvalidArgument, "[tune] got budget {}, expected a positive fraction of the plain network's cost",
         budget);
  }
  if (table.samples < 1) fail(Code::kInvalidArgument, "[tune] got no samples, expected at least 1");
  std::optional<ThresholdChoice> best;
  double cheapest = std::numeric_limits<double>::infinity();
  for (const double q : budget_ratios()) {
    ThresholdChoice choice;
    choice.thresholds = thresholds_at_ranks(table, geometric_shares(q, table));
    choice.expected = outcome(table, choice.thresholds);
    cheapest = std::min(cheapest, choice.expected.cost);
    // A budget typed as 0.5 must admit a cost that sums to 0.5 and a rounding.
    if (choice.expected.cost > budget + 1e-12) continue;
    if (!best || choice.expected.quality > best->expected.quality ||
        (choice.expected.quality == best->expected.quality && choice.expected.cost < best->expected.cost)) {
      best = std::move(choice);
    }
  }
  if (!best) {
    fail(Code::kInvalidArgument,
         "[tune] budget {} is below the cheapest choice, {:.4f}; raise the budget or add an earlier exit", budget,
         cheapest);
  }
  return *best;
}

}  // namespace sooner
