#include "graph/cost.h"

#include <algorithm>

#include "graph/carry_set.h"
#include "graph/parameters.h"
#include "graph/shape_inference.h"

namespace sooner {
namespace {

int64_t node_macs(const Node& node, const std::vector<Shape>& shapes, const Shape& dst) {
  if (node.op == OpKind::kConv2d) {
    const auto& a = std::get<Conv2dAttributes>(node.attributes);
    const int64_t in_channels = shapes[static_cast<size_t>(node.inputs[0])][0];
    return element_count(dst) * (in_channels / a.groups) * a.kernel_h * a.kernel_w;
  }
  if (node.op == OpKind::kLinear) return dst[0] * shapes[static_cast<size_t>(node.inputs[0])][0];
  return 0;
}

int64_t peak_bytes(const Graph& graph, const std::vector<NodeCost>& cost) {
  std::vector<size_t> last_use(graph.nodes.size());
  for (size_t id = 0; id < graph.nodes.size(); ++id) {
    last_use[id] = id;
    for (const NodeId input : graph.nodes[id].inputs) last_use[static_cast<size_t>(input)] = id;
  }
  std::vector<int64_t> freed_after(graph.nodes.size(), 0);
  for (size_t id = 0; id < graph.nodes.size(); ++id) freed_after[last_use[id]] += cost[id].activation_bytes;
  int64_t live = 0;
  int64_t peak = 0;
  for (size_t id = 0; id < graph.nodes.size(); ++id) {
    live += cost[id].activation_bytes;
    peak = std::max(peak, live);
    live -= freed_after[id];
  }
  return peak;
}

// Trunk nodes that the last exit's answer needs, other exits' answers given: all, but for cascades of whole networks.
std::vector<bool> needed_by_last(const Graph& graph) {
  std::vector<bool> needed(graph.nodes.size()), trunk(graph.nodes.size());
  for (const Stage& stage : graph.stages) {
    for (const NodeId id : stage.trunk) trunk[static_cast<size_t>(id)] = true;
  }
  for (const NodeId id : graph.stages.back().exit.head) needed[static_cast<size_t>(id)] = true;
  for (size_t id = graph.nodes.size(); id-- > 0;) {
    if (!needed[id]) continue;
    for (const NodeId input : graph.nodes[id].inputs) {
      if (trunk[static_cast<size_t>(input)]) needed[static_cast<size_t>(input)] = true;
    }
  }
  return needed;
}

}  // namespace

GraphCost compute_cost(const Graph& graph) {
  const std::vector<Shape> shapes = infer_shapes(graph);
  GraphCost cost;
  cost.nodes.resize(graph.nodes.size());
  for (size_t id = 0; id < graph.nodes.size(); ++id) {
    cost.nodes[id].macs = node_macs(graph.nodes[id], shapes, shapes[id]);
    cost.nodes[id].activation_bytes = element_count(shapes[id]) * static_cast<int64_t>(sizeof(float));
  }
  cost.stages.resize(graph.stages.size());
  for (const ParameterSpec& spec : parameters(graph)) {
    if (!spec.trainable()) continue;
    const int64_t count = element_count(spec.shape);
    cost.parameters += count;
    if (spec.node >= 0) {
      cost.nodes[static_cast<size_t>(spec.node)].parameters += count;
    } else {
      cost.stages[static_cast<size_t>(spec.exit)].parameters += count;
    }
  }
  const std::vector<bool> needed = needed_by_last(graph);
  int64_t path = 0;
  for (size_t k = 0; k < graph.stages.size(); ++k) {
    const Stage& stage = graph.stages[k];
    StageCost& total = cost.stages[k];
    for (const NodeId id : stage.trunk) {
      total.trunk_macs += cost.nodes[static_cast<size_t>(id)].macs;
      total.parameters += cost.nodes[static_cast<size_t>(id)].parameters;
      if (needed[static_cast<size_t>(id)]) cost.backbone_macs += cost.nodes[static_cast<size_t>(id)].macs;
    }
    for (const NodeId id : stage.exit.head) {
      total.head_macs += cost.nodes[static_cast<size_t>(id)].macs;
      total.parameters += cost.nodes[static_cast<size_t>(id)].parameters;
    }
    if (stage.exit.gate) {
      if (stage.exit.gate->features) total.gate_macs += shapes[static_cast<size_t>(stage.exit.features)][0];
      if (stage.exit.gate->scores) total.gate_macs += kGateScoreCount;
    }
    total.head_macs += total.gate_macs;
    const std::vector<NodeId> carried = carry_set(graph, k);
    const bool read_later = std::ranges::binary_search(carried, stage.exit.logits);
    total.skippable_macs = read_later ? 0 : total.head_macs;
    for (const NodeId id : carried) {
      total.carry_bytes += cost.nodes[static_cast<size_t>(id)].activation_bytes;
    }
    path += total.trunk_macs + total.head_macs;
    cost.exit_macs.push_back(path);
  }
  cost.backbone_macs += cost.stages.back().head_macs;
  for (const int64_t macs : cost.exit_macs) {
    cost.exit_fraction.push_back(static_cast<double>(macs) /
                                 static_cast<double>(std::max<int64_t>(1, cost.backbone_macs)));
  }
  cost.total_macs = path;
  cost.peak_activation_bytes = peak_bytes(graph, cost.nodes);
  return cost;
}

}  // namespace sooner
