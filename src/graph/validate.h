// The rules that a graph obeys (graph/graph.h), checked.
#pragma once

#include "graph/graph.h"

namespace sooner {

// Throws kInvalidArgument, naming the node, unless every rule there and every attribute's range holds, each node
// belongs to exactly one place, logits have shape [classes] and shapes fit together.
void validate(const Graph& graph);

}  // namespace sooner
