#include "graph/keep_exits.h"

#include <algorithm>

#include "core/error.h"
#include "graph/places.h"

namespace sooner {

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
  needed[0] = true;
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
    if (!needed[id]) continue;
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
