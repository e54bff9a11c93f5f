// What a policy learns from a table besides its thresholds: temperatures, where it looks at probabilities, and the
// weights of a geometric ensemble that has none.
#pragma once

#include "tune/logit_table.h"

namespace sooner {

// REQUIRES: a valid table, a known policy.
PolicySpec fit_policy(const LogitTable& table, PolicySpec policy);

}  // namespace sooner
