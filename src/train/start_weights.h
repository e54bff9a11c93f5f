// Begins a training from the weights of a model file, found by name.
#pragma once

#include <optional>
#include <string>

#include "format/new_model.h"
#include "policy/cost_weights.h"
#include "train/graph_module.h"

namespace sooner {

// The trunk and the last exit are taken whole, an early exit where every tensor of it is there in its shape; other
// early exits, and all that were attached and never trained, keep their first weights. Returns what was taken, for a
// person: "trunk, exits 0 and 2". Gates trained for the same `range` of cost weights keep how they depend on it. Throws
// kDataLoss naming the first tensor of the trunk or last exit that is missing, of another shape or not F32.
std::string take_weights(GraphModule& module, const ModelFile& start, const std::optional<CostWeights>& range,
                         const std::string& place);

}  // namespace sooner
