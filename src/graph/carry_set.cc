#include "graph/carry_set.h"

#include <algorithm>
#include <set>

#include "graph/places.h"

namespace sooner {

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

}  // namespace sooner
