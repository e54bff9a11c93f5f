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
#include <span>
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

enum class ParameterKind : uint8_t {
  kWeight,
  kBias,
  kScale,
  kShift,
  kRunningMean,
  kRunningVar,
  kAlpha,
  kGateFeatures,
  kGateScores,
  kGateBias
};

struct ParameterSpec {
  std::string name;  // torchvision's names where there is a twin: "layer1.0.bn1.running_mean"
  Shape shape;       // conv [O, I/groups, KH, KW]; linear [O, I]; batch norm [C]; alpha [1]; gate [1, F], [1, 4], [1]
  ParameterKind kind = ParameterKind::kWeight;
  NodeId node = -1;   // -1 for gates
  int32_t exit = -1;  // the exit whose gate or head owns it; -1 for trunk
  [[nodiscard]] bool trainable() const {
    return kind != ParameterKind::kRunningMean && kind != ParameterKind::kRunningVar;
  }
};

// All parameters and buffers of the graph, in node order, gates last. REQUIRES: a valid graph.
std::vector<ParameterSpec> parameters(const Graph& graph);

// "<exit index>" based names of gate parameters: "exits.0.gate.features.weight", "…scores.weight", "…bias".
std::string gate_features_name(size_t exit_index);
std::string gate_scores_name(size_t exit_index);
std::string gate_bias_name(size_t exit_index);

// Throws kInvalidArgument, naming the node, unless every rule above and every attribute's range holds, each node
// belongs to exactly one place, logits have shape [classes] and shapes fit together.
void validate(const Graph& graph);

// Values (node ids, ascending) that stages > `stage` read from stages <= `stage`: what must cross the cut after it.
// Empty after the last stage.
std::vector<NodeId> carry_set(const Graph& graph, size_t stage);

// By stage: whether a later head reads its exit's logits.
std::vector<bool> answers_read_later(const Graph& graph);

// The same network with the early exits `kept` alone, which become 0, 1, …, and the last one: the others' heads go,
// but for what kept heads read of them, which joins the next head kept; their trunks join the next stage that is kept.
// Names stay, but for gates, which are called by their exit's index. Throws kInvalidArgument unless `kept` rises and
// names early exits.
Graph keep_exits(const Graph& graph, std::span<const size_t> kept);

// keep_exits of none: the backbone with its own classifier.
Graph plain_backbone(const Graph& graph);

}  // namespace sooner
