// The network with its exits, as text.
#pragma once

#include <string>

#include "graph/cost.h"
#include "graph/graph.h"
#include "policy/exit_policy.h"

namespace sooner {

// One block per stage: trunk on the left, its exit on the right, with shapes, MACs, C_k, bytes that cross the cut and
// the policy's threshold.
std::string draw_network(const Graph& graph, const GraphCost& cost, const PolicySpec& policy,
                         const PolicyContext& context);

// Shape of the value at the end of stage k's trunk.
Shape trunk_shape(const Graph& graph, size_t stage);

// What makes a sample leave at exit `k`: "leaves if gate g >= 0.5", "nobody leaves", "always answers".
std::string leaving_rule(const PolicySpec& policy, size_t k, const PolicyContext& context);

// "gate, leaves at 0.5 / 0.5" and so on.
std::string policy_text(const PolicySpec& policy, int64_t classes);

}  // namespace sooner
