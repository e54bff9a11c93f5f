#include "graph/summed_answers.h"

#include <algorithm>

#include "core/error.h"
#include "graph/places.h"
#include "graph/validate.h"

namespace sooner {
namespace {

void check_can_sum(const Graph& graph) {
  for (size_t k = 0; k < graph.exits(); ++k) {
    const Exit& exit = graph.stages[k].exit;
    if (graph.node(exit.logits).op != OpKind::kLinear) {
      fail(Code::kInvalidArgument,
           "[graph] exit {} of '{}' answers with '{}', no linear layer: answers cannot be summed", k, graph.name,
           graph.node(exit.logits).name);
    }
    if (exit.gate) {
      fail(Code::kInvalidArgument,
           "[graph] exit {} of '{}' has a gate, which reads its features alone; summed answers "
           "have none",
           k, graph.name);
    }
    for (const NodeId id : exit.head) {
      for (const NodeId input : graph.node(id).inputs) {
        const bool earlier = std::any_of(graph.stages.begin(), graph.stages.begin() + static_cast<ptrdiff_t>(k),
                                         [&](const Stage& stage) { return stage.exit.logits == input; });
        if (!earlier) continue;
        fail(Code::kInvalidArgument, "[graph] exit {} of '{}' already reads the answer before its own", k, graph.name);
      }
    }
  }
}

}  // namespace

Graph sum_answers(const Graph& graph) {
  check_can_sum(graph);
  Graph result;
  result.name = graph.name;
  result.input_shape = graph.input_shape;
  result.classes = graph.classes;
  result.stages.resize(graph.exits());
  const std::vector<Place> place = places(graph);
  std::vector<NodeId> renamed(graph.nodes.size(), -1);
  const auto append = [&](Node node, const Place& at) {
    const auto id = static_cast<NodeId>(result.nodes.size());
    result.nodes.push_back(std::move(node));
    Stage& stage = result.stages[static_cast<size_t>(at.stage)];
    (at.head ? stage.exit.head : stage.trunk).push_back(id);
    return id;
  };
  for (size_t id = 0; id < graph.nodes.size(); ++id) {
    Node node = graph.nodes[id];
    for (NodeId& input : node.inputs) input = renamed[static_cast<size_t>(input)];
    const auto k = static_cast<size_t>(place[id].stage);
    if (k > 0 && graph.stages[k].exit.logits == static_cast<NodeId>(id)) {
      const NodeId before = renamed[static_cast<size_t>(graph.stages[k - 1].exit.logits)];
      node.inputs = {append({OpKind::kConcat, node.name + ".join", {node.inputs[0], before}, {}}, place[id])};
    }
    renamed[id] = append(std::move(node), place[id]);
  }
  for (size_t k = 0; k < graph.exits(); ++k) {
    Exit& exit = result.stages[k].exit;
    exit.name = graph.stages[k].exit.name;
    exit.logits = renamed[static_cast<size_t>(graph.stages[k].exit.logits)];
    exit.features = result.node(exit.logits).inputs[0];
  }
  validate(result);
  return result;
}

void sum_answers(const Graph& graph, TensorMap& tensors) {
  for (size_t k = 1; k < graph.exits(); ++k) {
    Tensor& weight = tensors.at(graph.node(graph.stages[k].exit.logits).name + ".weight");
    const int64_t classes = weight.shape()[0], features = weight.shape()[1];
    Tensor wider(DType::kF32, {classes, features + classes});
    for (int64_t c = 0; c < classes; ++c) {
      const auto row = static_cast<size_t>(c * (features + classes));
      std::ranges::copy(weight.floats().subspan(static_cast<size_t>(c * features), static_cast<size_t>(features)),
                        wider.floats().begin() + static_cast<ptrdiff_t>(row));
      wider.floats()[row + static_cast<size_t>(features + c)] = 1;
    }
    weight = std::move(wider);
  }
}

}  // namespace sooner
