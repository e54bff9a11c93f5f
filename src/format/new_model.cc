#include "format/new_model.h"

#include <algorithm>

#include "core/error.h"
#include "graph/graph_builder.h"
#include "graph/parameters.h"

namespace sooner {
namespace {

// [C]: one number stands for all channels, none for `standard`.
std::vector<double> by_channel(std::vector<double> values, double standard, int64_t channels, std::string_view what) {
  if (values.empty()) values = {standard};
  if (values.size() == 1) values.assign(static_cast<size_t>(channels), values[0]);
  if (values.size() != static_cast<size_t>(channels)) {
    fail(Code::kInvalidArgument, "[import] got {} numbers for the {}, expected one, or one for each of {} channels",
         values.size(), what, channels);
  }
  return values;
}

}  // namespace

ModelFile imported_model(Graph graph, TensorMap tensors, const ImportedFacts& facts) {
  ModelFile model;
  Manifest& manifest = model.manifest;
  const int64_t channels = graph.input_shape.at(0);
  manifest.class_names = facts.class_names;
  for (int64_t c = 0; facts.class_names.empty() && c < graph.classes; ++c) {
    manifest.class_names.push_back(std::to_string(c));
  }
  if (manifest.class_names.size() != static_cast<size_t>(graph.classes)) {
    fail(Code::kInvalidArgument, "[import] got {} names of classes, the network tells {} apart",
         manifest.class_names.size(), graph.classes);
  }
  manifest.preprocessing = {graph.input_shape, by_channel(facts.mean, 0, channels, "mean"),
                            by_channel(facts.std, 1, channels, "deviation"), channels == 1 ? "L" : "RGB"};
  manifest.graph = std::move(graph);
  manifest.provenance.sooner_version = SOONER_VERSION;
  manifest.provenance.regime = kImportedRegime;
  manifest.provenance.trained_elsewhere = true;
  model.tensors = std::move(tensors);
  return model;
}

ModelFile attached_model(const ModelFile& plain, Graph graph, const TensorMap& heads) {
  expect_plain(plain.manifest.graph);
  ModelFile model = plain;
  Manifest& manifest = model.manifest;
  manifest.graph = std::move(graph);
  manifest.policy = PolicySpec{};
  manifest.calibrations.clear();
  manifest.cost_weights.reset();
  manifest.quantisation.reset();
  manifest.provenance.regime = kAttachedRegime;
  manifest.check_samples = 0;
  std::erase_if(model.tensors, [](const auto& each) { return each.first.starts_with("sooner."); });
  for (const ParameterSpec& spec : parameters(manifest.graph)) {
    if (model.tensors.contains(spec.name)) continue;
    const auto found = heads.find(spec.name);
    if (found == heads.end()) {
      fail(Code::kInvalidArgument, "[attach] '{}' is of another backbone: it has no '{}'", plain.manifest.graph.name,
           spec.name);
    }
    model.tensors.emplace(spec.name, found->second);
  }
  return model;
}

}  // namespace sooner
