// Policies from cheap to dear along the accuracy-cost curve, chosen on one table (`tune`) so that another (`test`) only
// reports them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tune/choosing/accuracy_drop.h"
#include "tune/tables/logit_table.h"

namespace sooner {

struct OperatingPoint {
  PolicySpec spec = {};
  std::string label = {};  // how it was chosen: "q 0.35", "accuracy-drop 0.003", "rule g >= 0.5"
  int32_t way = 0;     // the same for what other tables' thresholds were chosen by in the same way, with equal options
  double cost = 0;     // expected: mean C_k on the table it was chosen on
  double quality = 0;  // expected
};

struct OperatingPointOptions {
  bool fit_temperatures = true;
  // Points of MSDNet's family, geometrically spaced from nearly all samples at the first exit (q = 1/32) to nearly all
  // at the last (q = 32).
  int32_t budget_points = 25;
  // Of a regression, in last exit's mean errors.
  std::vector<double> accuracy_drops = {0, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.03, 0.05};
  // Less proof per point than one calibration asks for: the curve has many.
  AccuracyDropOptions accuracy_drop = {.most_steps = 20'000'000};
  bool equal_choices = false;  // every way has its point, even where two chose the same thresholds
};

// By expected cost, cheapest first; equal choices once, unless all are asked for. Throws kInvalidArgument for a bad
// table, or a policy without thresholds (`always` and `never` are points of their own: see always_points).
std::vector<OperatingPoint> operating_points(const LogitTable& table, const std::string& policy_name,
                                             const OperatingPointOptions& options = {});

// `gate` untouched at so many cost weights, evenly over the logarithm of the trained range; none where the gates were
// trained for a single one.
std::vector<OperatingPoint> cost_weight_points(const LogitTable& table, int32_t count = 17);

// Everybody at exit k, for each k: the points no policy is needed for.
std::vector<OperatingPoint> always_points(const LogitTable& table);

}  // namespace sooner
