#include "graph/places.h"

#include "core/error.h"

namespace sooner {

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

}  // namespace sooner
