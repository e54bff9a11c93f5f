// What a policy learns from a table besides its thresholds: temperatures, where it looks at probabilities, and the
// weights of a geometric ensemble that has none.
#pragma once

#include "tune/tables/logit_table.h"

namespace sooner {

// REQUIRES: a valid table, a known policy.
PolicySpec fit_policy(const LogitTable& table, PolicySpec policy);

// `policy` as it was asked for: without thresholds and temperatures of an earlier choice.
PolicySpec without_choice(PolicySpec policy);

// Without an ensemble's weights and biases, which were fitted to the logits of one table.
PolicySpec without_ensemble_fit(PolicySpec policy);

}  // namespace sooner
