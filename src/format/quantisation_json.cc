#include "format/quantisation_json.h"

#include <algorithm>
#include <limits>

#include "core/error.h"
#include "core/text.h"
#include "graph/shape_inference.h"

namespace sooner {
namespace {

constexpr size_t kMaxMaps = 16384;  // as many as a graph may have nodes

bool is_hash(std::string_view text) {
  return text.size() == 16 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

nlohmann::ordered_json quantisation_to_json(const Quantisation& quantisation) {
  nlohmann::ordered_json json;
  json["method"] = quantisation.method;
  json["data_set"] = quantisation.data_set;
  json["split_hash"] = quantisation.split_hash;
  json["samples"] = quantisation.samples;
  json["model_hash"] = quantisation.model_hash;
  json["maps"] = nlohmann::ordered_json::array();
  for (const auto& [node, map] : quantisation.scales) {
    json["maps"].push_back({{"node", node}, {"scale", map.scale}, {"signed", map.is_signed}});
  }
  return json;
}

Quantisation quantisation_from_json(const JsonValue& value) {
  value.require_keys({"method", "data_set", "split_hash", "samples", "model_hash", "maps"});
  Quantisation quantisation;
  quantisation.method = value["method"].text();
  quantisation.data_set = value["data_set"].text();
  quantisation.split_hash = value["split_hash"].text();
  quantisation.samples = value["samples"].integer(1, std::numeric_limits<int64_t>::max());
  quantisation.model_hash = value["model_hash"].text();
  for (const JsonValue& item : value["maps"].items(kMaxMaps)) {
    item.require_keys({"node", "scale", "signed"});
    const MapScale map{item["scale"].number(kSmallestScale, kLargestScale), item["signed"].boolean()};
    const std::string node = item["node"].text();
    if (!quantisation.scales.emplace(node, map).second) {
      item.refuse(fmt::format("a scale for '{}' for the second time", printable(node)));
    }
  }
  return quantisation;
}

void check_quantisation(const Quantisation& quantisation, const Graph& graph) {
  const std::vector<std::string>& methods = quantisation_methods();
  if (std::find(methods.begin(), methods.end(), quantisation.method) == methods.end()) {
    fail(Code::kInvalidArgument, "[manifest] quantisation.method '{}' is unknown; {}", printable(quantisation.method),
         suggest(quantisation.method, methods));
  }
  if (quantisation.samples < 1) {
    fail(Code::kInvalidArgument, "[manifest] quantisation.samples is {}, expected 1 or more", quantisation.samples);
  }
  if (!is_hash(quantisation.model_hash)) {
    fail(Code::kInvalidArgument, "[manifest] quantisation.model_hash '{}' is no hash, expected 16 hex digits",
         printable(quantisation.model_hash));
  }
  const std::vector<Shape> shapes = infer_shapes(graph);
  for (const auto& [name, map] : quantisation.scales) {
    const auto node = std::find_if(graph.nodes.begin(), graph.nodes.end(),
                                   [&wanted = name](const Node& candidate) { return candidate.name == wanted; });
    if (node == graph.nodes.end()) {
      fail(Code::kInvalidArgument, "[manifest] quantisation: the graph has no node '{}'", printable(name));
    }
    if (shapes[static_cast<size_t>(node - graph.nodes.begin())].size() != 3) {
      fail(Code::kInvalidArgument, "[manifest] quantisation: node '{}' gives no map; vectors stay fp32",
           printable(name));
    }
    if (!(map.scale >= kSmallestScale && map.scale <= kLargestScale)) {
      fail(Code::kInvalidArgument, "[manifest] quantisation: the scale of '{}' is {}, expected {} to {}",
           printable(name), map.scale, kSmallestScale, kLargestScale);
    }
  }
}

}  // namespace sooner
