// Begins a training from the weights of a model file, found by name.
#pragma once

#include <string>

#include "format/new_model.h"
#include "train/graph_module.h"

namespace sooner {

// The trunk and the last exit are taken whole, an early exit where every tensor of it is there in its shape; other
// early exits, and all that were attached and never trained, keep their first weights. Returns what was taken, for a
// person: "trunk, exits 0 and 2". Throws kDataLoss naming the first tensor of the trunk or last exit that is missing,
// of another shape or not F32.
std::string take_weights(GraphModule& module, const ModelFile& start, const std::string& place);

}  // namespace sooner
