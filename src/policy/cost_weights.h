// Gates that were trained for a whole range of cost weights (nats of loss per plain network's MACs) at once: which
// weight holds is chosen when the model runs. A larger one exits earlier.
//
// Shapes: K = exits. Exits count from 0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sooner {

// exp(w) of a shift within is a usable number; training keeps to it.
inline constexpr double kLargestGateShift = 50;

struct CostWeights {
  double low = 0, high = 0;  // the trained range, 0 < low < high
  double standard = 0;       // the one that holds where none is named, within it
  // [K-1][2]: what is added to the pre-activation of gate k, shift_1 t + shift_2 t^2, where t goes from -1 at `low` to
  // 1 at `high` with the logarithm of the weight.
  std::vector<std::vector<double>> shifts = {};
  bool operator==(const CostWeights&) const = default;
};

// t of a weight. REQUIRES: low < high, all positive.
double cost_weight_position(const CostWeights& weights, double value);

// The weight at t, within the range.
double cost_weight_at(const CostWeights& weights, double position);

// The gate g in [0, 1] of exit k as it is at position t; NaN stays NaN.
double gate_at(const CostWeights& weights, int32_t exit_index, double gate, double position);

// Of the gates of these early exits alone. REQUIRES: shifts for each.
CostWeights keep_exits(const CostWeights& weights, std::span<const size_t> kept);

// Throws kInvalidArgument unless the range is one, `standard` lies within and there are two finite shifts for each of
// `early_exits`.
void check_cost_weights(const CostWeights& weights, size_t early_exits);
// Throws kInvalidArgument for a value outside the range.
void check_cost_weight(const CostWeights& weights, double value);

}  // namespace sooner
