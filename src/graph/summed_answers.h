// Boosted exits (Yu et al., "Boosted Dynamic Neural Networks", AAAI 2023): each exit's answer is added to the sum of
// those before.
#pragma once

#include "core/tensor.h"
#include "graph/graph.h"

namespace sooner {

// The network whose exits answer with the sum of their own logits and those of every exit before: the last layer of
// each but the first reads the exit before, too, behind its features. Throws kInvalidArgument where an exit's answer is
// no linear layer, has a gate, or already reads an earlier one.
Graph sum_answers(const Graph& graph);

// Weights of `graph` made those of sum_answers(graph): ones where a layer reads the exit before.
void sum_answers(const Graph& graph, TensorMap& tensors);

}  // namespace sooner
