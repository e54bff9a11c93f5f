// Measured accuracy-cost curves: operating points chosen on the tune split, reported on another.
#pragma once

#include <string>
#include <vector>

#include "eval/accuracy_cost_curve.h"
#include "tune/tables/logit_table.h"

namespace sooner {

// Cheapest first on `tune`. The policies `always` (everybody at exit k, for each k) and every policy with thresholds.
std::vector<CurvePoint> measured_curve(const LogitTable& tune, const LogitTable& table, const std::string& policy);

}  // namespace sooner
