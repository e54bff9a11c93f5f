// Weights of a known network from a safetensors file that any program has written, found by name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "format/safetensors.h"
#include "graph/graph.h"

namespace sooner {

struct NamedWeights {
  TensorMap tensors;               // every parameter of the graph, fp32
  std::vector<std::string> notes;  // what was changed or left out, for a person
};

// Names are the graph's, torchvision's where it has the network; a prefix that all of the file's names share
// ("module.", "model.") may stand before them, and what PyTorch counts batches with is left out. bf16 becomes fp32.
// Throws kDataLoss naming `place` and the tensor for one that is missing (with the nearest name), of another shape or
// type, or of no layer of the network.
NamedWeights take_named_weights(const Graph& graph, const Safetensors& file, const std::string& place);

// The weights of a plain network as PyTorch's load_state_dict(strict=True) wants them: its parameters, and beside every
// normalisation's a count of batches (0).
Safetensors state_dict_of(const Graph& plain, const TensorMap& tensors);

}  // namespace sooner
