// What crosses a cut of a graph between two stages.
#pragma once

#include <cstddef>
#include <vector>

#include "graph/graph.h"

namespace sooner {

// Values (node ids, ascending) that stages > `stage` read from stages <= `stage`: what must cross the cut after it.
// Empty after the last stage.
std::vector<NodeId> carry_set(const Graph& graph, size_t stage);

// By stage: whether a later head reads its exit's logits.
std::vector<bool> answers_read_later(const Graph& graph);

}  // namespace sooner
