// What a network is: nodes in single static assignment form, cut into stages that each end at an exit.
//
// Plain structs, no arithmetic and no weights (those are tensors found by name). The trainer builds its modules
// from a Graph, backends compile it, cost and shapes are computed on it: a network is defined once.
//
// Order: nodes stand in topological order; node 0 is the input. Stage k owns its trunk nodes and its head nodes;
// stage k's trunk may read trunk nodes of stages <= k, its head those, itself, and the logits of earlier exits. A head
// whose logits a later one reads is computed, and its gate, whatever the policy.
// Exits are counted from 0. The last exit is the backbone's own classifier: it has no gate and always answers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/shape.h"
#include "graph/op.h"

namespace sooner {

using NodeId = int32_t;

struct Node {
  OpKind op = OpKind::kInput;
  std::string name;            // unique; its parameters are "<name>.weight" and so on
  std::vector<NodeId> inputs;  // every one < this node's id
  Attributes attributes;
};

// A learned "may this sample leave here": sigmoid(features . w_f + scores . w_s + b).
// The scores are four numbers of p = softmax(logits), natural logs, C classes, in this order: max p,
// H(p)/ln C, largest minus second largest, H(q)/ln C with q = p^2 / sum p^2 (after JEI-DNN, ICLR 2024).
struct Gate {
  bool features = true;  // reads the exit's feature vector ("shared" input)
  bool scores = true;    // reads the four scores of the exit's own logits ("scores" input); both is the default
};
inline constexpr int64_t kGateScoreCount = 4;

// Limits of a valid graph, far above any network in use. They keep sums within 64 bits and a hostile file from
// costing time or memory.
inline constexpr size_t kMaxNodes = 1U << 14U;
inline constexpr size_t kMaxExits = 1U << 8U;
inline constexpr size_t kMaxInputs = 16;                   // of one node
inline constexpr int64_t kMaxElements = int64_t{1} << 31;  // of one value of one sample, and of one parameter
inline constexpr int64_t kMaxNodeMacs = int64_t{1} << 42;

struct Exit {
  std::string name;          // unique, for people: "exit0", "last"
  std::vector<NodeId> head;  // in topological order; its last node gives the logits
  NodeId features = -1;      // input of the final layer: [F]
  NodeId logits = -1;        // [classes]: a linear layer; at the last exit it may be a global average
  std::optional<Gate> gate;  // none at the last exit
};

struct Stage {
  std::vector<NodeId> trunk;  // in topological order; may be empty for a later stage of zero cost
  Exit exit;
};

struct Graph {
  std::string name;     // "resnet20"
  Shape input_shape;    // [C, H, W] of one sample
  int64_t classes = 0;  // outputs of every head; 1: the network answers with a number, and has no gates
  std::vector<Node> nodes;
  std::vector<Stage> stages;  // at least one

  [[nodiscard]] const Node& node(NodeId id) const { return nodes[static_cast<size_t>(id)]; }
  [[nodiscard]] size_t exits() const { return stages.size(); }
};

}  // namespace sooner
