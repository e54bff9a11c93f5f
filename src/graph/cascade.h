// Whole networks one behind the other, cheap to dear, each asked only where those before were not sure (an IDK cascade:
// Wang et al., 2018): one graph whose stages share nothing but the input.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace sooner {

// What stands before the names of network i's nodes: "net0.".
std::string cascade_prefix(size_t network);

// A network's own numbers from those of the first network's: x * scale + shift, by channel; empty: the same numbers.
struct InputChange {
  std::vector<double> scale, shift;  // [C]
};

// `graphs` in their order; their stages follow each other, and the last exit of each but the last becomes an early one.
// Where `changes` [graphs] asks for it, a batch norm "net1.input" stands between the input and the network. Throws
// kInvalidArgument for fewer than two, other input shapes or classes, gates, and an early answer that is no linear
// layer.
Graph cascade(std::span<const Graph> graphs, std::span<const InputChange> changes);

}  // namespace sooner
