// A Graph with LibTorch tensors for its parameters: forward for training and for measuring, import, export.
//
// The network's structure is the graph's alone; nothing is defined here a second time. Parameters carry the names of
// parameters(graph). Knows no loss and no data.
//
// Axis letters: N batch, C classes, F features. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "graph/graph.h"
#include "graph/parameters.h"
#include "train/torch_headers.h"

namespace sooner {

struct ExitOutputs {
  std::vector<at::Tensor> logits;  // [K] of [N, C], fp32; undefined where training leaves the exit out
  std::vector<at::Tensor> gates;   // [K-1] of [N], fp32, before the sigmoid; undefined where the exit has no gate
  // [K-1] of [2], fp32: how gates depend on the cost weight (policy/cost_weights.h); undefined where they do not.
  std::vector<at::Tensor> gate_shifts;
};

struct GateStart {
  double bias = 0;
  bool shifts = false;  // gates learn to depend on the cost weight; shifts start at 0
};

// Which trunks of stages, and which heads with their gates, learn: [K] each; empty: all. The others keep their weights,
// and their normalisation runs on, and keeps, the statistics it has. Training computes only what the heads that learn
// need: other exits are left out.
struct LearningParts {
  std::vector<bool> trunks = {}, heads = {};
  bool detached = false;  // no gradient flows from a stage into the one before
  // Of the channels that an early exit's head reads of its trunk, the first ones, this share, get the head's gradient
  // alone, the others that of later stages alone.
  double private_share = 0;
};

// "sooner.gate_shifts.<exit index>".
std::string gate_shift_name(size_t exit_index);

// Four scores of each row of `logits` [N, C], in the order of graph/graph.h: [N, 4]. No gradient flows back.
at::Tensor gate_scores(const at::Tensor& logits);

class GraphModule {
 public:
  struct Parameter {
    ParameterSpec spec;
    at::Tensor value;  // a leaf; requires_grad where trainable
  };

  // Initial values depend on (seed, parameter name) alone, so that a network with exits and the same one without start
  // from the same trunk: convolutions Kaiming normal (fan in), linear layers uniform within 1/sqrt(fan in),
  // normalisation 1 and 0, gates 0 with their bias. Throws kInvalidArgument for an invalid graph.
  GraphModule(Graph graph, uint64_t seed, const GateStart& gates = {});

  [[nodiscard]] const Graph& graph() const { return graph_; }
  [[nodiscard]] std::vector<Parameter>& parameters() { return parameters_; }
  [[nodiscard]] const std::vector<Parameter>& parameters() const { return parameters_; }

  // Moves every parameter; gradients are dropped. With `channels_last`, convolution weights are stored that way.
  void place(const at::Device& device, bool channels_last);

  // From now on; all learn at first. Gradients of the others are dropped.
  void learn(const LearningParts& parts);

  // From now on each exit's logits are its own and the sum of the exits before, into which no gradient flows.
  void sum_answers() { sums_ = true; }
  // A parameter of this name keeps its value from now on, whoever learns. REQUIRES: there is one.
  void freeze(const std::string& name);

  // `images` [N, C, H, W] fp32, on the module's device. `training`: normalisation uses and updates batch statistics.
  // Under autocast convolutions and linear layers run in its type; logits and gates are fp32 all the same.
  [[nodiscard]] ExitOutputs forward(const at::Tensor& images, bool training);

  // Normalisation of the parts that learn takes its statistics from `images`, as a mean with those of `batches` calls
  // before.
  void measure_statistics(const at::Tensor& images, int64_t batches);

  // Values that no step changes, because nothing on the way to them learns, and that training reads: where computing
  // may be cut. Ascending; holds the images, node 0, unless whole stages are frozen.
  [[nodiscard]] std::vector<NodeId> frontier() const;
  // Of `images`, in that order; no gradient.
  [[nodiscard]] std::vector<at::Tensor> frontier_values(const at::Tensor& images) const;
  // As forward(images, true), of images with these values. REQUIRES: the frontier does not hold the images.
  [[nodiscard]] ExitOutputs forward_from(std::span<const at::Tensor> frontier_values);

  // [K-1][2]; empty where gates do not depend on the cost weight.
  [[nodiscard]] std::vector<std::vector<double>> gate_shifts() const;

  // Copies on the CPU, by name: the graph's parameters, and gate_shift_name(k).
  [[nodiscard]] TensorMap export_tensors() const;
  // REQUIRES: every parameter there with its shape; throws kDataLoss naming the first that is not.
  void import_tensors(const TensorMap& tensors);

 private:
  // Where a node stands.
  struct Place {
    size_t stage = 0;
    bool head = false;
  };
  [[nodiscard]] bool learns(const Place& place) const;
  [[nodiscard]] bool learns(const Parameter& parameter) const;
  at::Tensor run_node(const Node& node, const std::vector<at::Tensor>& values, bool training) const;
  // From the values that are there.
  [[nodiscard]] ExitOutputs answer(std::vector<at::Tensor>& values, bool training) const;
  [[nodiscard]] const at::Tensor& find(NodeId node, ParameterKind kind) const;
  [[nodiscard]] at::Tensor run_gate(size_t exit_index, const at::Tensor& features, const at::Tensor& logits) const;

  Graph graph_;
  std::vector<Shape> shapes_;  // by node id
  std::vector<Parameter> parameters_;
  std::vector<std::vector<size_t>> of_node_;  // parameter positions by node id
  std::vector<size_t> shifts_;                // by early exit; empty without
  std::vector<std::vector<size_t>> of_gate_;  // by exit
  std::vector<Place> places_;                 // by node id
  LearningParts learning_;
  std::set<std::string, std::less<>> frozen_;
  double statistics_momentum_ = 0;  // 0: each node's own
  bool sums_ = false;
  // By node id, under learning_.
  std::vector<bool> settled_;  // no step changes its value
  std::vector<bool> needed_;   // by training
};

}  // namespace sooner
