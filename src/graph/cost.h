// What a network costs, from the graph alone: multiply-accumulates, parameters, bytes.
//
// MACs count convolutions, linear layers and gates (one MAC = 2 FLOPs; biases, normalisation, pooling and
// activations are not counted, as in the papers compared with). Bytes are for fp32 and one sample.
#pragma once

#include <cstdint>
#include <vector>

#include "graph/graph.h"

namespace sooner {

struct NodeCost {
  int64_t macs = 0;
  int64_t parameters = 0;        // trainable ones
  int64_t activation_bytes = 0;  // of its output
};

struct StageCost {
  int64_t trunk_macs = 0;
  int64_t head_macs = 0;       // gate included
  int64_t gate_macs = 0;       // the gate's part of head_macs
  int64_t skippable_macs = 0;  // of head_macs, what a policy that does not need the exit saves
  int64_t parameters = 0;      // trunk, head and gate
  int64_t carry_bytes = 0;     // the carry set after this stage
};

struct GraphCost {
  std::vector<NodeCost> nodes;    // by node id
  std::vector<StageCost> stages;  // by stage
  // Plain network with its own head, what keep_exits of none leaves: the denominator of every fraction.
  int64_t backbone_macs = 0;
  std::vector<int64_t> exit_macs;     // answering at exit k, every head and gate on the way paid
  std::vector<double> exit_fraction;  // C_k = exit_macs / backbone_macs; the last is > 1 when there are heads
  int64_t total_macs = 0;             // = exit_macs.back()
  int64_t parameters = 0;
  // Largest sum of live activations while the nodes run in order, each freed after its last use.
  int64_t peak_activation_bytes = 0;
};

// REQUIRES: a valid graph.
GraphCost compute_cost(const Graph& graph);

}  // namespace sooner
