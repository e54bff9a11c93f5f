#include "graph/graph.h"

#include <algorithm>
#include <set>

#include "core/error.h"
#include "graph/shape_inference.h"

namespace sooner {
namespace {

std::string gate_name(size_t exit_index, std::string_view part) {
  return fmt::format("exits.{}.gate.{}", exit_index, part);
}

// Which stage a node belongs to and whether it is part of that stage's head.
struct Place {
  int32_t stage = -1;
  bool head = false;
};

std::vector<Place> places(const Graph& graph) {
  std::vector<Place> result(graph.nodes.size());
  const auto put = [&](NodeId id, size_t stage, bool head) {
    if (id < 0 || static_cast<size_t>(id) >= graph.nodes.size()) {
      fail(Code::kInvalidArgument, "[graph] stage {} names node {}, expected 0 to {}", stage, id,
           graph.nodes.size() - 1);
    }
    Place& place = result[static_cast<size_t>(id)];
    if (place.stage >= 0) {
      fail(Code::kInvalidArgument, "[graph] node '{}' stands in stage {} and again in stage {}", graph.node(id).name,
           place.stage, stage);
    }
    place = {static_cast<int32_t>(stage), head};
  };
  for (size_t k = 0; k < graph.stages.size(); ++k) {
    for (const NodeId id : graph.stages[k].trunk) put(id, k, false);
    for (const NodeId id : graph.stages[k].exit.head) put(id, k, true);
  }
  for (size_t id = 0; id < graph.nodes.size(); ++id) {
    if (result[id].stage < 0) {
      fail(Code::kInvalidArgument, "[graph] node '{}' belongs to no stage", graph.nodes[id].name);
    }
  }
  return result;
}

void validate_names(const Graph& graph) {
  std::set<std::string> seen;
  for (const Node& node : graph.nodes) {
    if (node.name.empty()) fail(Code::kInvalidArgument, "[graph] a {} node has no name", to_string(node.op));
    if (!seen.insert(node.name).second) {
      fail(Code::kInvalidArgument, "[graph] two nodes are named '{}'", node.name);
    }
  }
}

void validate_exit_names(const Graph& graph) {
  std::set<std::string> seen;
  for (const Stage& stage : graph.stages) {
    if (!seen.insert(stage.exit.name).second) {
      fail(Code::kInvalidArgument, "[graph] two exits are named '{}'", stage.exit.name);
    }
  }
}

void validate_exit(const Graph& graph, size_t k, const std::vector<Shape>& shapes, const std::vector<Place>& place) {
  const Exit& exit = graph.stages[k].exit;
  const auto inside = [&](NodeId id) { return id >= 0 && static_cast<size_t>(id) < graph.nodes.size(); };
  if (!inside(exit.logits) || !inside(exit.features)) {
    fail(Code::kInvalidArgument, "[graph] exit {} names no logits or features node", k);
  }
  if (exit.head.empty() || exit.head.back() != exit.logits) {
    fail(Code::kInvalidArgument, "[graph] exit {}: '{}' is not the last node of its head", k,
         graph.node(exit.logits).name);
  }
  const Place& at = place[static_cast<size_t>(exit.logits)];
  const OpKind op = graph.node(exit.logits).op;
  const bool last = k + 1 == graph.stages.size();
  if (at.stage != static_cast<int32_t>(k) || !at.head ||
      (op != OpKind::kLinear && !(last && op == OpKind::kGlobalAvgPool))) {
    fail(Code::kInvalidArgument, "[graph] exit {}: logits node '{}' is not a linear layer{} of its head", k,
         graph.node(exit.logits).name, last ? ", or a global average," : "");
  }
  if (exit.features != graph.node(exit.logits).inputs[0]) {
    fail(Code::kInvalidArgument, "[graph] exit {}: features node is not the input of '{}'", k,
         graph.node(exit.logits).name);
  }
  if (shapes[static_cast<size_t>(exit.logits)] != Shape{graph.classes}) {
    fail(Code::kInvalidArgument, "[graph] exit {}: logits have shape {}, expected {} classes", k,
         to_string(shapes[static_cast<size_t>(exit.logits)]), graph.classes);
  }
  if (exit.gate && last) {
    fail(Code::kInvalidArgument, "[graph] the last exit has a gate; it always answers and needs none");
  }
  if (exit.gate && !exit.gate->features && !exit.gate->scores) {
    fail(Code::kInvalidArgument, "[graph] exit {}: its gate reads neither features nor scores", k);
  }
}

}  // namespace

std::string gate_features_name(size_t exit_index) { return gate_name(exit_index, "features.weight"); }
std::string gate_scores_name(size_t exit_index) { return gate_name(exit_index, "scores.weight"); }
std::string gate_bias_name(size_t exit_index) { return gate_name(exit_index, "bias"); }

std::vector<ParameterSpec> parameters(const Graph& graph) {
  const std::vector<Shape> shapes = infer_shapes(graph);
  std::vector<int32_t> head_of(graph.nodes.size(), -1);
  for (size_t k = 0; k < graph.stages.size(); ++k) {
    for (const NodeId id : graph.stages[k].exit.head) head_of[static_cast<size_t>(id)] = static_cast<int32_t>(k);
  }
  std::vector<ParameterSpec> specs;
  for (size_t id = 0; id < graph.nodes.size(); ++id) {
    const Node& node = graph.nodes[id];
    const auto add = [&](std::string_view suffix, Shape shape, ParameterKind kind) {
      specs.push_back(
          {fmt::format("{}.{}", node.name, suffix), std::move(shape), kind, static_cast<NodeId>(id), head_of[id]});
    };
    const auto src = [&]() -> const Shape& { return shapes[static_cast<size_t>(node.inputs[0])]; };
    if (node.op == OpKind::kConv2d) {
      const auto& a = std::get<Conv2dAttributes>(node.attributes);
      add("weight", {a.out_channels, src()[0] / a.groups, a.kernel_h, a.kernel_w}, ParameterKind::kWeight);
      if (a.bias) add("bias", {a.out_channels}, ParameterKind::kBias);
    } else if (node.op == OpKind::kLinear) {
      const auto& a = std::get<LinearAttributes>(node.attributes);
      add("weight", {a.out_features, src()[0]}, ParameterKind::kWeight);
      if (a.bias) add("bias", {a.out_features}, ParameterKind::kBias);
    } else if (node.op == OpKind::kBatchNorm) {
      add("weight", {src()[0]}, ParameterKind::kScale);
      add("bias", {src()[0]}, ParameterKind::kShift);
      add("running_mean", {src()[0]}, ParameterKind::kRunningMean);
      add("running_var", {src()[0]}, ParameterKind::kRunningVar);
    } else if (node.op == OpKind::kMixedPool) {
      add("alpha", {1}, ParameterKind::kAlpha);
    }
  }
  for (size_t k = 0; k < graph.stages.size(); ++k) {
    const Exit& exit = graph.stages[k].exit;
    if (!exit.gate) continue;
    const auto owner = static_cast<int32_t>(k);
    const int64_t features = shapes[static_cast<size_t>(exit.features)][0];
    if (exit.gate->features) {
      specs.push_back({gate_features_name(k), {1, features}, ParameterKind::kGateFeatures, -1, owner});
    }
    if (exit.gate->scores) {
      specs.push_back({gate_scores_name(k), {1, kGateScoreCount}, ParameterKind::kGateScores, -1, owner});
    }
    specs.push_back({gate_bias_name(k), {1}, ParameterKind::kGateBias, -1, owner});
  }
  return specs;
}

void validate(const Graph& graph) {
  if (graph.nodes.empty() || graph.nodes[0].op != OpKind::kInput) {
    fail(Code::kInvalidArgument, "[graph] node 0 is not the input");
  }
  if (graph.stages.empty()) fail(Code::kInvalidArgument, "[graph] '{}' has no stage", graph.name);
  if (graph.nodes.size() > kMaxNodes || graph.stages.size() > kMaxExits) {
    fail(Code::kInvalidArgument, "[graph] {} nodes and {} exits, expected at most {} and {}", graph.nodes.size(),
         graph.stages.size(), kMaxNodes, kMaxExits);
  }
  if (graph.classes < 1) fail(Code::kInvalidArgument, "[graph] {} classes, expected 1 or more", graph.classes);
  const bool gated = std::ranges::any_of(graph.stages, [](const Stage& stage) { return stage.exit.gate.has_value(); });
  if (graph.classes == 1 && gated) {
    fail(Code::kInvalidArgument, "[graph] '{}' has a gate, which needs classes, and answers with a number", graph.name);
  }
  if (graph.input_shape.size() != 3 || element_count(graph.input_shape) < 1) {
    fail(Code::kInvalidArgument, "[graph] input shape {}, expected channels x rows x columns",
         to_string(graph.input_shape));
  }
  validate_names(graph);
  validate_exit_names(graph);
  const std::vector<Shape> shapes = infer_shapes(graph);
  const std::vector<Place> place = places(graph);
  for (size_t id = 1; id < graph.nodes.size(); ++id) {
    const Node& node = graph.nodes[id];
    if (node.op == OpKind::kInput) fail(Code::kInvalidArgument, "[graph] '{}' is a second input", node.name);
    for (const NodeId input : node.inputs) {
      const Place& from = place[static_cast<size_t>(input)];
      const Place& to = place[id];
      const bool earlier_answer =
          from.stage < to.stage && to.head && input == graph.stages[static_cast<size_t>(from.stage)].exit.logits;
      if (from.stage > to.stage || (from.head && !(to.head && from.stage == to.stage) && !earlier_answer)) {
        fail(Code::kInvalidArgument, "[graph] node '{}' reads '{}', which is not computed before it on its path",
             node.name, graph.node(input).name);
      }
    }
  }
  for (size_t k = 0; k < graph.stages.size(); ++k) validate_exit(graph, k, shapes, place);
  for (const Stage& stage : graph.stages) {
    if (!std::is_sorted(stage.trunk.begin(), stage.trunk.end()) ||
        !std::is_sorted(stage.exit.head.begin(), stage.exit.head.end())) {
      fail(Code::kInvalidArgument, "[graph] the nodes of exit '{}' are not in topological order", stage.exit.name);
    }
  }
}

std::vector<NodeId> carry_set(const Graph& graph, size_t stage) {
  const std::vector<Place> place = places(graph);
  std::set<NodeId> carried;
  for (size_t id = 0; id < graph.nodes.size(); ++id) {
    if (place[id].stage <= static_cast<int32_t>(stage)) continue;
    for (const NodeId input : graph.nodes[id].inputs) {
      if (place[static_cast<size_t>(input)].stage <= static_cast<int32_t>(stage)) carried.insert(input);
    }
  }
  return {carried.begin(), carried.end()};
}

std::vector<bool> answers_read_later(const Graph& graph) {
  std::vector<bool> read(graph.exits());
  for (size_t k = 0; k + 1 < graph.exits(); ++k) {
    const std::vector<NodeId> carried = carry_set(graph, k);
    read[k] = std::ranges::binary_search(carried, graph.stages[k].exit.logits);
  }
  return read;
}

Graph keep_exits(const Graph& graph, std::span<const size_t> kept) {
  for (size_t i = 0; i < kept.size(); ++i) {
    if (kept[i] + 1 < graph.exits() && (i == 0 || kept[i] > kept[i - 1])) continue;
    fail(Code::kInvalidArgument,
         "[graph] got exit {} to keep at place {}, expected early exits of '{}' (0 to {}), rising", kept[i], i,
         graph.name, static_cast<int64_t>(graph.exits()) - 2);
  }
  std::vector<size_t> exits(kept.begin(), kept.end());
  exits.push_back(graph.exits() - 1);
  Graph result;
  result.name = graph.name;
  result.input_shape = graph.input_shape;
  result.classes = graph.classes;
  result.stages.resize(exits.size());
  const std::vector<Place> place = places(graph);
  std::vector<bool> needed(graph.nodes.size());  // by a head that is kept
  for (size_t id = graph.nodes.size(); id-- > 0;) {
    const auto stage = static_cast<size_t>(place[id].stage);
    if (place[id].head && std::ranges::binary_search(exits, stage)) needed[id] = true;
    if (!needed[id]) continue;
    for (const NodeId input : graph.nodes[id].inputs) needed[static_cast<size_t>(input)] = true;
  }
  std::vector<NodeId> renamed(graph.nodes.size(), -1);
  for (size_t id = 0; id < graph.nodes.size(); ++id) {
    const auto from = static_cast<size_t>(place[id].stage);
    const auto to = std::ranges::lower_bound(exits, from);
    if (place[id].head && !needed[id]) continue;
    renamed[id] = static_cast<NodeId>(result.nodes.size());
    Node node = graph.nodes[id];
    for (NodeId& input : node.inputs) input = renamed[static_cast<size_t>(input)];
    result.nodes.push_back(std::move(node));
    Stage& stage = result.stages[static_cast<size_t>(to - exits.begin())];
    (place[id].head ? stage.exit.head : stage.trunk).push_back(renamed[id]);
  }
  for (size_t k = 0; k < exits.size(); ++k) {
    const Exit& old = graph.stages[exits[k]].exit;
    Exit& exit = result.stages[k].exit;
    exit.name = old.name;
    exit.features = renamed[static_cast<size_t>(old.features)];
    exit.logits = renamed[static_cast<size_t>(old.logits)];
    exit.gate = old.gate;
  }
  return result;
}

Graph plain_backbone(const Graph& graph) { return keep_exits(graph, {}); }

}  // namespace sooner
