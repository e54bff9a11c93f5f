// A road of thresholds from "everybody goes to the last exit" to ever cheaper ones, along which one number is turned:
// what risk control chooses on. Made on one table (`tune`), before the other (`guarantee`) is read.
//
// Shapes below: N = samples, M = early exits (K-1).
#pragma once

#include <vector>

#include "tune/tables/score_table.h"

namespace sooner {

// What it costs to leave a sample at an exit, in [0, 1]; 0 at the last exit.
using ExitLosses = std::vector<std::vector<double>>;  // [K][N]

struct ThresholdFamily {
  // [points][M], the safest first: point 0 is +inf everywhere, and no threshold rises from a point to the next. So a
  // sample never leaves later at a later point.
  std::vector<std::vector<double>> thresholds = {};
};

// The road passes near the cheapest thresholds whose mean loss on the table is at most `aim` times 0, 1/4, 1/2, … 4,
// found as choose_by_accuracy_drop finds them, with a loss in the place of a right answer lost. These are made monotone
// from `aim` on to both sides (to the risky side no threshold may rise, to the safe side none may fall), and joined by
// steps of equal rank: at each exit the number of the table's samples at or above the threshold grows evenly. Losses
// between 0 and 1 count as 1 from 1/2 on. Savings depend on how the road is made; promises do not.
// Throws kInvalidArgument unless the table has samples and 0 <= aim <= 1. REQUIRES: losses of the table's shape.
ThresholdFamily threshold_family(const ScoreTable& table, const ExitLosses& losses, double aim);

}  // namespace sooner
