// What differentiable branching can be told (Scardapane et al., ICASSP 2020): how gates learn, and what they cost.
#pragma once

#include <optional>

#include "policy/cost_weights.h"
#include "recipe/regime_settings.h"

namespace sooner {

void declare_differentiable_options(RegimeOptions& options);

// The range of cost weights that gates learn at once, without shifts; nothing where they learn a single one.
std::optional<CostWeights> trained_cost_weights(const RegimeSettings& settings);

}  // namespace sooner
