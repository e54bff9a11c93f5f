// Every combination of a few thresholds at each early exit: the plain way to see a whole accuracy-cost curve.
#pragma once

#include <vector>

#include "tune/tables/score_table.h"

namespace sooner {

// How many quantiles of scores there are where a policy's row names no list of its own.
inline constexpr size_t kGridQuantiles = 17;

// At each early exit: the list of the policy's row as scores (entropy: BranchyNet's), for others quantiles of the
// table's scores there, surest first; where `most_choices` combinations would not do, evenly chosen among them, +inf
// (nobody leaves) always there. [M][values]. REQUIRES: samples, most_choices > 0.
std::vector<std::vector<double>> grid_values(const ScoreTable& table, const std::string& policy_name, int32_t classes,
                                             int64_t most_choices = 20'000);

// Of all combinations the ones that no other beats (none is as cheap and more accurate, or as accurate and cheaper),
// cheapest first. The optimality gap is not known and left 0. Throws kInvalidArgument for a table without samples.
std::vector<ThresholdChoice> grid_front(const ScoreTable& table, const std::string& policy_name, int32_t classes,
                                        int64_t most_choices = 20'000);

}  // namespace sooner
