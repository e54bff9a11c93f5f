#include "graph/validate.h"

#include <algorithm>
#include <set>

#include "core/error.h"
#include "graph/places.h"
#include "graph/shape_inference.h"

namespace sooner {
namespace {

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

}  // namespace sooner
