// What a policy learns from a table besides its thresholds: temperatures, where it looks at probabilities, and the
// settings that its row fits.
#pragma once

#include <optional>

#include "tune/tables/logit_table.h"

namespace sooner {

struct FittedPolicy {
  PolicySpec policy = {};
  // The samples it was not fitted to, where its row asks for others to choose thresholds on (PolicyKind::fits_apart).
  std::optional<LogitTable> others = {};
};

// Temperatures are fitted to all samples, settings of a row that fits apart to one half of every class. REQUIRES: a
// valid table, a policy known for its network. Throws kInvalidArgument for too few samples to fit apart.
FittedPolicy fit_policy(const LogitTable& table, PolicySpec policy);

// What thresholds of `fitted` are chosen on: the table, or its other samples.
const LogitTable& choosing_table(const FittedPolicy& fitted, const LogitTable& table);
const LogitTable& choosing_table(const FittedPolicy& fitted, LogitTable&& table) = delete;  // would not live on

// `policy` as it was asked for: without thresholds and temperatures of an earlier choice.
PolicySpec without_choice(PolicySpec policy);

}  // namespace sooner
