// What each early exit saves at an operating point, to hold against what its head costs.
#pragma once

#include <vector>

#include "tune/tables/logit_table.h"

namespace sooner {

// [K-1]: P(leaves at k | reached k) times the mean cost that who leaves there would spend after k, were exit k not
// there: they go on to the next exit at which the policy lets them go. A fraction of the plain network's MACs per
// sample that reaches k; 0 for an exit that nobody reaches. Having an exit pays where this is more than
// table.head_cost[k]. The policy's deadline is put aside. Throws what make_policy throws. REQUIRES: a valid table.
std::vector<double> exit_savings(const LogitTable& table, const PolicySpec& policy);

}  // namespace sooner
