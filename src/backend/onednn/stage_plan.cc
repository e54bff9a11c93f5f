#include "backend/onednn/stage_plan.h"

#include <algorithm>
#include <set>

#include "core/error.h"
#include "graph/carry_set.h"

namespace sooner::onednn {
namespace {

class Planner {
 public:
  Planner(const Graph& graph, const std::vector<Shape>& shapes, size_t stage)
      : graph_(graph), shapes_(shapes), readers_(graph.nodes.size()) {
    for (size_t id = 0; id < graph.nodes.size(); ++id) {
      for (const NodeId input : graph.nodes[id].inputs) {
        readers_[static_cast<size_t>(input)].push_back(static_cast<NodeId>(id));
      }
    }
    const std::vector<NodeId> carried = carry_set(graph, stage);
    carried_.insert(carried.begin(), carried.end());
  }

  void add_section(const std::vector<NodeId>& nodes, bool head) {
    section_ = {nodes.begin(), nodes.end()};
    // A fused step runs where its last node stands, so that everything it reads has been computed.
    std::map<NodeId, PlannedStep> by_last_node;
    std::set<NodeId> taken;
    for (const NodeId id : nodes) {
      if (taken.contains(id)) continue;
      std::optional<PlannedStep> step = start_at(id);
      if (!step) continue;
      step->head = head;
      taken.insert(step->nodes.begin(), step->nodes.end());
      by_last_node.emplace(step->dst, std::move(*step));
    }
    for (auto& [last, step] : by_last_node) {
      if (graph_.node(step.dst).op == OpKind::kConcat) {
        add_parts(step);
      } else {
        steps_.push_back(std::move(step));
      }
    }
  }

  void add_copy(NodeId id) {
    PlannedStep step;
    step.src = step.dst = id;
    steps_.push_back(step);
  }

  void add_gate(bool head) {
    PlannedStep step;
    step.kind = StepKind::kGate;
    step.head = head;
    steps_.push_back(step);
  }

  std::vector<PlannedStep> take() { return std::move(steps_); }

 private:
  void add_parts(const PlannedStep& concat) {
    PlannedStep part = concat;
    part.nodes.clear();
    for (const NodeId input : graph_.node(concat.dst).inputs) {
      part.src = input;
      steps_.push_back(part);
      part.dst_offset += shapes_[static_cast<size_t>(input)][0];
    }
    steps_.back().nodes = concat.nodes;
  }

  // The only reader of `id`, when it stands in this section and nothing else needs the value.
  [[nodiscard]] NodeId only_reader(NodeId id) const {
    const std::vector<NodeId>& readers = readers_[static_cast<size_t>(id)];
    if (readers.size() != 1 || carried_.contains(id) || !section_.contains(readers[0])) return -1;
    return readers[0];
  }

  // Extends `step` by the only reader of its value when that is a `wanted`.
  bool extend(PlannedStep& step, OpKind wanted) const {
    const NodeId next = only_reader(step.dst);
    if (next < 0 || graph_.node(next).op != wanted) return false;
    step.nodes.push_back(next);
    step.dst = next;
    return true;
  }

  void extend_by_add(PlannedStep& step) {
    const NodeId from = step.dst;
    const NodeId next = only_reader(from);
    if (next < 0 || graph_.node(next).op != OpKind::kAdd || claimed_.contains(next)) return;
    extend(step, OpKind::kAdd);
    claimed_.insert(next);
    const std::vector<NodeId>& inputs = graph_.node(next).inputs;
    step.src2 = inputs[0] == from ? inputs[1] : inputs[0];
  }

  [[nodiscard]] NodeId resolved(NodeId id) const {
    const auto found = flattened_.find(id);
    return found == flattened_.end() ? id : found->second;
  }

  // A flatten whose every reader is a linear layer of this section.
  [[nodiscard]] bool folds_into_linear(NodeId id) const {
    const std::vector<NodeId>& readers = readers_[static_cast<size_t>(id)];
    return !carried_.contains(id) && std::all_of(readers.begin(), readers.end(), [&](NodeId reader) {
      return section_.contains(reader) && graph_.node(reader).op == OpKind::kLinear;
    });
  }

  std::optional<PlannedStep> start_at(NodeId id) {
    const Node& node = graph_.node(id);
    PlannedStep step;
    step.nodes = {id};
    step.dst = id;
    if (!node.inputs.empty()) step.src = resolved(node.inputs[0]);
    switch (node.op) {
      case OpKind::kInput:
        step.kind = StepKind::kFromPlanes;
        step.src = id;
        return step;
      case OpKind::kConv2d:
        step.kind = StepKind::kConvolution;
        if (extend(step, OpKind::kBatchNorm)) step.batch_norm = step.dst;
        // Not with groups: oneDNN 3.2 crashes in a depthwise convolution that adds, without AVX2, at odd channel
        // counts.
        if (std::get<Conv2dAttributes>(node.attributes).groups == 1) extend_by_add(step);
        break;
      case OpKind::kLinear:
        step.kind = StepKind::kLinear;
        step.permuted_src = flattened_.contains(node.inputs[0]);
        break;
      case OpKind::kBatchNorm:
        step.kind = StepKind::kScaleShift;
        break;
      case OpKind::kRelu:
        step.kind = StepKind::kRelu;
        return step;
      case OpKind::kMaxPool:
      case OpKind::kAvgPool:
      case OpKind::kMixedPool:
        step.kind = StepKind::kPool;
        break;
      case OpKind::kGlobalAvgPool:
        step.kind = StepKind::kMean;
        return step;
      case OpKind::kAdd:
        step.kind = StepKind::kAdd;
        step.src2 = resolved(node.inputs[1]);
        break;
      case OpKind::kFlatten:
        if (shapes_[static_cast<size_t>(node.inputs[0])].size() == 3 && folds_into_linear(id)) {
          flattened_[id] = node.inputs[0];
          return std::nullopt;
        }
        step.kind = StepKind::kFlatten;
        return step;
      case OpKind::kConcat:
      case OpKind::kSlice:
      case OpKind::kChannelShuffle:
        step.kind = StepKind::kChannels;
        return step;
      case OpKind::kLayerNorm:
        step.kind = StepKind::kLayerNorm;
        return step;
      case OpKind::kClip:
        step.kind = StepKind::kClip;
        return step;
      case OpKind::kHardSwish:
        step.kind = StepKind::kHardSwish;
        return step;
      case OpKind::kLocalResponseNorm:
        step.kind = StepKind::kResponseNorm;
        return step;
      case OpKind::kLeakyRelu:
        step.kind = StepKind::kLeakyRelu;
        return step;
      case OpKind::kSigmoid:
        step.kind = StepKind::kSigmoid;
        return step;
      case OpKind::kHardSigmoid:
        step.kind = StepKind::kHardSigmoid;
        return step;
      case OpKind::kGelu:
        step.kind = StepKind::kGelu;
        return step;
      case OpKind::kMul:
        step.kind = StepKind::kMul;
        step.src2 = resolved(node.inputs[1]);
        return step;
      case OpKind::kPad:
        step.kind = StepKind::kPad;
        return step;
    }
    step.relu = extend(step, OpKind::kRelu);
    if (step.kind == StepKind::kConvolution && !step.relu &&
        (extend(step, OpKind::kClip) || extend(step, OpKind::kHardSwish))) {
      step.activation = step.dst;
    }
    return step;
  }

  const Graph& graph_;
  const std::vector<Shape>& shapes_;
  std::vector<std::vector<NodeId>> readers_;  // by node id
  std::set<NodeId> carried_;
  std::set<NodeId> section_;            // nodes of the section at hand
  std::set<NodeId> claimed_;            // adds that a convolution does
  std::map<NodeId, NodeId> flattened_;  // flatten node -> the map it reads
  std::vector<PlannedStep> steps_;
};

}  // namespace

std::vector<PlannedStep> plan_stage(const Graph& graph, const std::vector<Shape>& shapes, size_t stage) {
  Planner planner(graph, shapes, stage);
  const Exit& exit = graph.stages[stage].exit;
  const std::vector<NodeId> out = carry_set(graph, stage);
  planner.add_section(graph.stages[stage].trunk, false);
  if (stage > 0) {
    const std::vector<NodeId> in = carry_set(graph, stage - 1);
    for (const NodeId id : out) {
      if (std::binary_search(in.begin(), in.end(), id)) planner.add_copy(id);
    }
  }
  // What a later head reads is computed whatever the policy, and carried.
  const bool read_later = std::binary_search(out.begin(), out.end(), exit.logits);
  planner.add_section(exit.head, !read_later);
  if (read_later) planner.add_copy(exit.logits);
  if (exit.gate) planner.add_gate(!read_later);
  return planner.take();
}

}  // namespace sooner::onednn
