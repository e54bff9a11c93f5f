// How much of what a way to choose thresholds shows on the samples it chose on is left on others: the more thresholds
// it may set one by one, the less.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tune/operating_points.h"

namespace sooner {

// [points]: for each of `points` (made by operating_points of `policy_name` on `table`) the mean quality that
// what is chosen in its way has on samples it was not chosen on: two halves of the table, drawn by a fixed seed, take
// turns in choosing (temperatures, too) and in being answered. The halves choose on half as many samples, so this is a
// little less than what the point itself may expect, the more so the freer the choice. A table of one sample has no
// halves: the points' own quality there. Throws what operating_points throws.
std::vector<double> held_out_quality(const LogitTable& table, const std::string& policy_name,
                                     const OperatingPointOptions& options, std::span<const OperatingPoint> points);

}  // namespace sooner
