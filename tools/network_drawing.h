// The network with its exits, as text.
#pragma once

#include <string>

#include "graph/cost.h"
#include "graph/graph.h"
#include "policy/exit_policy.h"

namespace sooner {

// One block per stage: trunk on the left, its exit on the right, with shapes, MACs, C_k, bytes that cross the cut and
// the policy's threshold.
std::string draw_network(const Graph& graph, const GraphCost& cost, const PolicySpec& policy);

// "gate, leaves at 0.5 / 0.5" and so on.
std::string policy_text(const PolicySpec& policy, int64_t classes);

}  // namespace sooner
