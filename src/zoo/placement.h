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
//   linear:N                  N exits, i from 0, as fractions (i+1) / (N+1)
//   pareto:N                  at 1 - .8^(i+1)
//   fine:N                    at 1 - .95^(i+1)
//   golden:N                  at 1.618^(i-N)             (these four: Demir and Akbas, "Early-exit CNNs", 2024)
//   every                     every legal single-value cut but those before the classifier; of those with no
//                             arithmetic between them the deepest map
//   none                      no early exit
// Where exits are worth their price is known when they are trained: `sooner exits --greedy` then takes the best of
// them. Throws kInvalidArgument for an unknown rule, a fraction outside (0, 1), two exits at one point.
std::vector<std::string> place_exits(const Graph& plain, std::string_view placement);

}  // namespace sooner
