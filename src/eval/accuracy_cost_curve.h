// Accuracy against cost: points that operating points chosen elsewhere reach on a table, and how curves compare.
// Chooses nothing: a test table is only reported on.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tune/choosing/operating_points.h"
#include "tune/tables/logit_table.h"

namespace sooner {

struct CurvePoint {
  double cost = 0;                  // mean C_k, a fraction of the plain network's
  double quality = 0;               // mean: the accuracy; of a regression minus the mean absolute error
  std::vector<double> shares = {};  // [K]
  PolicySpec spec = {};
  std::string label = {};  // how it was chosen
  bool front = false;      // of accuracy_cost_curve: no other point beats it on the samples that all were chosen on
};

// Each operating point replayed on `table`, in the same order. Throws what validate and make_policy throw.
std::vector<CurvePoint> accuracy_cost_curve(const LogitTable& table, std::span<const OperatingPoint> points);

// The points no other point beats: none is as cheap and more accurate, or as accurate and cheaper. Cheapest first,
// accuracy rising; of equal points one.
std::vector<CurvePoint> pareto_front(std::span<const CurvePoint> points);

// Of a Pareto front, the place of the point farthest above the line from its first point to its last, both axes scaled
// to that line: where more cost begins to buy less accuracy. Nothing for fewer than three points.
std::optional<size_t> knee(std::span<const CurvePoint> front);

// The most accurate point of mean cost at most `cost`, nothing when none is that cheap.
std::optional<CurvePoint> best_within(std::span<const CurvePoint> points, double cost);

// Accuracy at exactly this cost, on straight lines between neighbours of the Pareto front (what tossing a coin between
// the two policies would reach). The front's last accuracy beyond its dearest point; nothing below its cheapest.
std::optional<double> accuracy_at_cost(std::span<const CurvePoint> points, double cost);

// The same on straight lines between all points, none left out for being beaten: for points that were chosen on another
// table, among which nothing may be chosen any more.
std::optional<double> accuracy_between(std::span<const CurvePoint> points, double cost);

// Cost at which accuracy_at_cost's lines reach `accuracy`; the cheapest point's cost for less, nothing when no point
// reaches it.
std::optional<double> cost_at_accuracy(std::span<const CurvePoint> points, double accuracy);

// Mean of accuracy_at_cost over [low, high]; nothing when the curve does not reach down to `low`. Throws
// kInvalidArgument unless low < high.
std::optional<double> mean_accuracy(std::span<const CurvePoint> points, double low, double high);

// Area of what the points dominate within the corner (cost <= worst_cost, accuracy >= worst_accuracy): steps, no lines.
double hypervolume(std::span<const CurvePoint> points, double worst_cost, double worst_accuracy);

}  // namespace sooner
