// The best quality within a mean cost, by MSDNet's search (Huang et al. 2018): exit shares fall or rise geometrically
// from exit to exit, and one number q moves through all of them.
#pragma once

#include <cstdint>
#include <vector>

#include "tune/tables/score_table.h"

namespace sooner {

// pi_k = q^k / sum_j q^j, k = 1 … K. REQUIRES: q > 0, exits >= 1.
std::vector<double> geometric_shares(double q, int32_t exits);
// The same over the exits that somebody may leave by; 0 at those before. [K]
std::vector<double> geometric_shares(double q, const ScoreTable& table);

// MSDNet's: 1/20, 2/20, … 39/20.
std::vector<double> budget_ratios();

// Of all q, the thresholds (thresholds_at_ranks) with the best quality among those whose mean cost is at most
// `budget`; of equal ones the cheaper. Past MSDNet's smallest, q goes on halving down to 1e-4; where scores only count
// (patience), each count for all exits is tried, too; and everybody at the first exit that lets go, the least there is.
// Throws kInvalidArgument for a budget that is not a positive number, or that even the cheapest choice exceeds (the
// message says its cost). The optimality gap is not known and left 0.
ThresholdChoice choose_by_budget(const ScoreTable& table, double budget);

}  // namespace sooner
