#include "graph/cascade.h"

#include <fmt/format.h>

#include "core/error.h"
#include "graph/places.h"
#include "graph/validate.h"

namespace sooner {
namespace {

void check_fits(const Graph& first, const Graph& next) {
  if (next.input_shape != first.input_shape) {
    fail(Code::kInvalidArgument, "[cascade] '{}' takes {}, '{}' takes {}; networks of a cascade read the same images",
         first.name, to_string(first.input_shape), next.name, to_string(next.input_shape));
  }
  if (next.classes != first.classes) {
    fail(Code::kInvalidArgument, "[cascade] '{}' tells {} classes apart, '{}' {}; expected the same", first.name,
         first.classes, next.name, next.classes);
  }
}

void check_can_join(const Graph& graph, bool last) {
  for (const Stage& stage : graph.stages) {
    if (!stage.exit.gate) continue;
    fail(Code::kInvalidArgument,
         "[cascade] '{}' has gates, which decide within their own network; `sooner exits --keep none` leaves its exits "
         "out",
         graph.name);
  }
  if (!last && graph.node(graph.stages.back().exit.logits).op != OpKind::kLinear) {
    fail(Code::kInvalidArgument,
         "[cascade] '{}' answers with '{}', no linear layer: it can only be the last network of a cascade", graph.name,
         graph.node(graph.stages.back().exit.logits).name);
  }
}

class Joiner {
 public:
  explicit Joiner(Graph& joint) : joint_(joint) {}

  void add(const Graph& graph, size_t network, const InputChange& change, bool last) {
    const std::string prefix = cascade_prefix(network);
    const std::vector<Place> place = places(graph);
    const size_t first_stage = joint_.stages.size();
    joint_.stages.resize(first_stage + graph.exits());
    std::vector<NodeId> renamed(graph.nodes.size(), 0);
    if (network == 0) {
      joint_.nodes.push_back(graph.nodes[0]);
      joint_.stages[0].trunk.push_back(0);
    }
    if (!change.scale.empty()) {
      renamed[0] = append({OpKind::kBatchNorm, prefix + "input", {0}, BatchNormAttributes{}}, first_stage, false);
    }
    for (size_t id = 1; id < graph.nodes.size(); ++id) {
      Node node = graph.nodes[id];
      node.name = prefix + node.name;
      for (NodeId& input : node.inputs) input = renamed[static_cast<size_t>(input)];
      renamed[id] = append(std::move(node), first_stage + static_cast<size_t>(place[id].stage), place[id].head);
    }
    for (size_t k = 0; k < graph.exits(); ++k) {
      const Exit& from = graph.stages[k].exit;
      Exit& exit = joint_.stages[first_stage + k].exit;
      exit.name = last && k + 1 == graph.exits() ? from.name : prefix + from.name;
      exit.features = renamed[static_cast<size_t>(from.features)];
      exit.logits = renamed[static_cast<size_t>(from.logits)];
    }
  }

 private:
  NodeId append(Node node, size_t stage, bool head) {
    const auto id = static_cast<NodeId>(joint_.nodes.size());
    joint_.nodes.push_back(std::move(node));
    (head ? joint_.stages[stage].exit.head : joint_.stages[stage].trunk).push_back(id);
    return id;
  }

  Graph& joint_;
};

}  // namespace

std::string cascade_prefix(size_t network) { return fmt::format("net{}.", network); }

Graph cascade(std::span<const Graph> graphs, std::span<const InputChange> changes) {
  if (graphs.size() < 2) {
    fail(Code::kInvalidArgument, "[cascade] got {} networks, expected two or more", graphs.size());
  }
  SOONER_ASSERT(changes.size() == graphs.size());
  Graph joint;
  joint.input_shape = graphs[0].input_shape;
  joint.classes = graphs[0].classes;
  Joiner joiner(joint);
  for (size_t i = 0; i < graphs.size(); ++i) {
    const bool last = i + 1 == graphs.size();
    check_fits(graphs[0], graphs[i]);
    check_can_join(graphs[i], last);
    joint.name += fmt::format("{}{}", i == 0 ? "" : "+", graphs[i].name);
    joiner.add(graphs[i], i, changes[i], last);
  }
  validate(joint);
  return joint;
}

}  // namespace sooner
