// Where exits go: a rule, turned into trunk points of a plain network.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace sooner {

// Parses a placement and returns trunk point names, in the order given:
//   names:relu1,layer2        explicit trunk points
//   fractions:.30,.65         for each, the deepest legal single-value cut that has spent at most that share of the
//                             plain network's MACs (heads apart); the first cut when none has
//   none                      no early exit
// Throws kInvalidArgument for an unknown rule, a fraction outside (0, 1), two exits at one point.
std::vector<std::string> place_exits(const Graph& plain, std::string_view placement);

}  // namespace sooner
