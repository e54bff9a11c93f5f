#include "recipe/network_source.h"

#include <algorithm>

#include "core/error.h"
#include "graph/cost.h"
#include "graph/keep_exits.h"

namespace sooner {
namespace {

void check_fits(const ModelFile& model, const DataSet& data, const std::string& place) {
  const Manifest& manifest = model.manifest;
  if (manifest.quantity != data.quantity) {
    fail(Code::kInvalidArgument,
         "[train] '{}' is a {}, the data set '{}' asks for a {}; name a model for the same answers", place,
         manifest.quantity ? "regression" : "classification", data.name, data.quantity ? "number" : "class");
  }
  if (manifest.graph.input_shape != data.image_shape) {
    fail(Code::kInvalidArgument,
         "[train] '{}' reads images of {}, the data set '{}' has {}; folders and lists are brought to data.image_shape",
         place, to_string(manifest.graph.input_shape), data.name, to_string(data.image_shape));
  }
  if (manifest.graph.classes != data.outputs()) {
    fail(Code::kInvalidArgument, "[train] '{}' tells {} classes apart, the data set '{}' has {}", place,
         manifest.graph.classes, data.name, data.outputs());
  }
}

// A head that a later one reads cannot be left out by itself.
bool heads_read_earlier_ones(const Graph& graph) {
  return std::ranges::any_of(compute_cost(graph).stages,
                             [](const StageCost& stage) { return stage.skippable_macs < stage.head_macs; });
}

// Gates belong to a regime, not to a file.
void set_gates(Graph& graph, const NetworkDescription& description) {
  for (size_t k = 0; k + 1 < graph.exits(); ++k) {
    graph.stages[k].exit.gate = gate_from_string(description.gate);
  }
}

}  // namespace

std::optional<ModelFile> load_start(const TrainConfig& config, const DataSet& data) {
  if (config.train.start.empty()) return std::nullopt;
  ModelFile model = load_model(config.train.start);
  check_fits(model, data, config.train.start);
  return model;
}

std::string start_hash(const TrainConfig& config) {
  return config.train.start.empty() ? "" : model_hash(load_model(config.train.start));
}

Graph described_network(const TrainConfig& config, const DataSet& data, const std::optional<ModelFile>& start) {
  const NetworkDescription& network = config.network;
  if (!network.backbone.starts_with(kModelBackbone)) {
    return build_network(network, data.image_shape, data.outputs());
  }
  const std::string path = network.backbone.substr(kModelBackbone.size());
  const bool same = start && path == config.train.start;
  const ModelFile other = same ? ModelFile{} : load_model(path);
  const ModelFile& model = same ? *start : other;
  check_fits(model, data, path);
  if (network.exits != kKeptExits) return attach_described(plain_backbone(model.manifest.graph), network);
  Graph graph = model.manifest.graph;
  if (graph.exits() == 1) {
    fail(Code::kInvalidArgument,
         "[train] '{}' has no early exits to keep; place some with network.exits, or attach them with sooner attach",
         path);
  }
  // The first exit has none before it, and the last one's head is the backbone's.
  if (network.cascade && graph.exits() > 2 && !heads_read_earlier_ones(graph)) {
    fail(
        Code::kInvalidArgument,
        "[train] regime {} trains heads that read the answer before theirs, and those of '{}' do not; place exits anew "
        "with network.exits, or train the kept ones by classifier-wise",
        config.train.regime, path);
  }
  set_gates(graph, network);
  return graph;
}

}  // namespace sooner
