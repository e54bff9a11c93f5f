// The same network with fewer exits.
#pragma once

#include <cstddef>
#include <span>

#include "graph/graph.h"

namespace sooner {

// The same network with the early exits `kept` alone, which become 0, 1, …, and the last one: the others' heads go,
// but for what kept heads read of them, which joins the next head kept; of their trunks what is still read joins the
// next stage that is kept. Names stay, but for gates, which are called by their exit's index. Throws kInvalidArgument
// unless `kept` rises and names early exits.
Graph keep_exits(const Graph& graph, std::span<const size_t> kept);

// keep_exits of none: the backbone with its own classifier.
Graph plain_backbone(const Graph& graph);

}  // namespace sooner
