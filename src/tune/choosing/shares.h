// Thresholds that send given shares of the samples to each exit.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tune/tables/score_table.h"

namespace sooner {

// Throws kInvalidArgument unless there are K shares, none negative, adding up to 1 (to 1e-6).
void check_shares(std::span<const double> shares, int32_t exits);

// Walking exits in order, each takes its share of all samples, rounded to the nearest sample over the exits so far;
// equal scores leave together, whichever side is nearer. Centred between scores. Throws what check_shares throws.
ThresholdChoice choose_by_shares(const ScoreTable& table, std::span<const double> shares);

// MSDNet's way (Huang et al. 2018): at each exit the score of the floor(N share)-th surest sample not yet gone, +inf
// where that is the 0th; equal scores leave together, or stay where that comes nearer. [K-1]. REQUIRES: K shares.
std::vector<double> thresholds_at_ranks(const ScoreTable& table, std::span<const double> shares);

}  // namespace sooner
