// What a parameter is before it is trained.
#pragma once

#include <cstdint>

#include "core/tensor.h"
#include "graph/graph.h"
#include "graph/parameters.h"

namespace sooner {

// Depends on (seed, parameter name) alone, so that a network with exits and the same one without start from the same
// trunk: convolutions Kaiming normal (fan in), linear layers uniform within 1/sqrt(fan in), normalisation 1 and 0,
// mixtures of pools uniform, gates 0 with their bias. `weight`: shape of the weight beside a bias. fp32.
Tensor initial_value(const ParameterSpec& spec, const Shape& weight, uint64_t seed, double gate_bias = 0);

// All of a graph's, by name.
TensorMap initial_weights(const Graph& graph, uint64_t seed);

}  // namespace sooner
