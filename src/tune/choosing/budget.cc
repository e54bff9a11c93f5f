#include "tune/choosing/budget.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <set>

#include "core/error.h"
#include "tune/choosing/shares.h"

namespace sooner {
namespace {

// Of all early exits; nothing where there are more than people count to. Scores that so many samples share (how many
// exits agree) leave hardly any ranks to choose by.
std::set<float> few_scores(const ScoreTable& table) {
  const size_t few = std::min<size_t>(16, static_cast<size_t>(table.samples) / 4);
  std::set<float> distinct;
  for (size_t k = 0; k + 1 < table.scores.size(); ++k) {
    for (const float score : table.scores[k]) {
      distinct.insert(score);
      if (distinct.size() > few) return {};
    }
  }
  return distinct;
}

}  // namespace

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
  std::vector<std::vector<double>> candidates;
  const auto consider = [&](double q) { candidates.push_back(thresholds_at_ranks(table, geometric_shares(q, table))); };
  for (const double q : budget_ratios()) consider(q);
  // Budgets that leave one sample in fifty to the other exits, or one in thousands, have thresholds, too.
  for (int halvings = 1; halvings <= 8; ++halvings) consider(std::ldexp(budget_ratios().front(), -halvings));
  consider(0);  // the least there is: everybody at the first exit that lets go
  for (const float score : few_scores(table)) {
    candidates.emplace_back(static_cast<size_t>(table.exits - 1), static_cast<double>(score));
  }
  for (std::vector<double>& thresholds : candidates) {
    ThresholdChoice choice;
    choice.thresholds = std::move(thresholds);
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
