// Per-sample output shapes of every node.
#pragma once

#include <vector>

#include "graph/graph.h"

namespace sooner {

// Indexed by node id. Throws kInvalidArgument naming the node whose inputs do not fit.
std::vector<Shape> infer_shapes(const Graph& graph);

// One node's shape from its inputs' shapes; for builders.
Shape infer_shape(const Node& node, const std::vector<Shape>& inputs);

}  // namespace sooner
