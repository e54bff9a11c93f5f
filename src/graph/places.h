// Where each node of a graph stands.
#pragma once

#include <cstdint>
#include <vector>

#include "graph/graph.h"

namespace sooner {

// Which stage a node belongs to and whether it is part of that stage's head.
struct Place {
  int32_t stage = -1;
  bool head = false;
};

// By node id. Throws kInvalidArgument unless each node belongs to exactly one place.
std::vector<Place> places(const Graph& graph);

}  // namespace sooner
