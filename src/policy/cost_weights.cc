#include "policy/cost_weights.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace sooner {
double cost_weight_position(const CostWeights& weights, double value) {
  return 2 * std::log(value / weights.low) / std::log(weights.high / weights.low) - 1;
}

double cost_weight_at(const CostWeights& weights, double position) {
  return std::clamp(weights.low * std::pow(weights.high / weights.low, (position + 1) / 2), weights.low, weights.high);
}

double gate_at(const CostWeights& weights, int32_t exit_index, double gate, double position) {
  const std::vector<double>& shifts = weights.shifts[static_cast<size_t>(exit_index)];
  const double shift = shifts[0] * position + shifts[1] * position * position;
  const double logit = std::log(gate) - std::log1p(-gate) + shift;  // infinite for a shut or open gate: it stays so
  return 1 / (1 + std::exp(-logit));
}

CostWeights keep_exits(const CostWeights& weights, std::span<const size_t> kept) {
  CostWeights result = weights;
  result.shifts.clear();
  for (const size_t k : kept) result.shifts.push_back(weights.shifts[k]);
  return result;
}

void check_cost_weight(const CostWeights& weights, double value) {
  if (value >= weights.low && value <= weights.high) return;
  fail(Code::kInvalidArgument, "[policy] got cost weight {}, expected {} to {}: what the gates were trained for", value,
       weights.low, weights.high);
}

void check_cost_weights(const CostWeights& weights, size_t early_exits) {
  if (!(weights.low > 0) || !(weights.high > weights.low) || !std::isfinite(weights.high)) {
    fail(Code::kInvalidArgument, "[policy] got cost weights from {} to {}, expected a range of positive numbers",
         weights.low, weights.high);
  }
  check_cost_weight(weights, weights.standard);
  if (weights.shifts.size() != early_exits) {
    fail(Code::kInvalidArgument, "[policy] got cost weights for {} gates, expected {}", weights.shifts.size(),
         early_exits);
  }
  const auto usable = [](double shift) { return std::abs(shift) <= kLargestGateShift; };
  for (size_t k = 0; k < weights.shifts.size(); ++k) {
    const std::vector<double>& shifts = weights.shifts[k];
    if (shifts.size() == 2 && std::ranges::all_of(shifts, usable)) continue;
    fail(Code::kInvalidArgument, "[policy] got shifts {} of the gate at exit {}, expected 2 numbers within {} to {}",
         fmt::join(shifts, ", "), k, -kLargestGateShift, kLargestGateShift);
  }
}

}  // namespace sooner
