// A model file of a network that was made elsewhere: imported, or given exits.
#pragma once

#include <string>
#include <vector>

#include "format/model_file.h"

namespace sooner {

struct ImportedFacts {
  std::vector<std::string> class_names = {};  // [classes]; empty: "0", "1", …
  std::vector<double> mean = {}, std = {};    // [C], or one number for all; empty: 0 and 1
};

// A plain network with everybody at its last exit. Throws kInvalidArgument where the facts do not fit the network, or
// weights are missing or not finite.
ModelFile imported_model(Graph graph, TensorMap tensors, const ImportedFacts& facts);

// The same model with the early exits that `graph` has, whose heads begin with `heads`; what `plain` was tuned and
// quantised for belongs to the whole network and goes. Throws kInvalidArgument unless `plain` is of the same backbone
// and has no early exit.
ModelFile attached_model(const ModelFile& plain, Graph graph, const TensorMap& heads);

}  // namespace sooner
