// How much of what a way to choose thresholds shows on the samples it chose on is left on others: the more thresholds
// it may set one by one, the less.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "tune/choosing/operating_points.h"

namespace sooner {

// The table's samples dealt out to two, by a fixed seed; the first is the smaller one where they are odd. REQUIRES: a
// valid table.
std::array<LogitTable, 2> halves_of(const LogitTable& table);

// [points]: for each of `points` (made by operating_points of `policy_name` on the whole table) the mean quality that
// what is chosen in its way has on samples it was not chosen on: the halves take turns in choosing (temperatures, too)
// and in being answered. They choose on half as many samples, so this is a little less than what the point itself may
// expect, the more so the freer the choice. Where a half is empty: the points' own quality. Throws what
// operating_points throws.
std::vector<double> held_out_quality(const std::array<LogitTable, 2>& halves, const std::string& policy_name,
                                     const OperatingPointOptions& options, std::span<const OperatingPoint> points);

}  // namespace sooner
