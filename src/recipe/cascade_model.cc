#include "recipe/cascade_model.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/error.h"
#include "graph/cascade.h"
#include "graph/parameters.h"
#include "recipe/recorded_data.h"

namespace sooner {
namespace {

void check_answers_fit(const Manifest& first, const Manifest& next) {
  if (next.quantity || first.quantity) {
    fail(Code::kInvalidArgument,
         "[cascade] '{}' answers with a number; a cascade needs classes, whose answers say how sure they are",
         next.quantity ? next.graph.name : first.graph.name);
  }
  for (size_t c = 0; c < std::min(first.class_names.size(), next.class_names.size()); ++c) {
    if (first.class_names[c] == next.class_names[c]) continue;
    fail(Code::kInvalidArgument,
         "[cascade] class {} is '{}' in '{}' and '{}' in '{}'; expected the same classes in the "
         "same order (sooner import --names)",
         c, first.class_names[c], first.graph.name, next.class_names[c], next.graph.name);
  }
}

// (p - m) / s from (p - m0) / s0.
InputChange change_of(const Preprocessing& first, const Preprocessing& own) {
  if (own.mean == first.mean && own.std == first.std) return {};
  InputChange change;
  for (size_t c = 0; c < own.mean.size(); ++c) {
    change.scale.push_back(first.std[c] / own.std[c]);
    change.shift.push_back((first.mean[c] - own.mean[c]) / own.std[c]);
  }
  return change;
}

// A batch norm that does just this: x -> (x - mean) / sqrt(variance + epsilon) * weight + bias.
void add_change(const std::string& node, const InputChange& change, TensorMap& tensors) {
  const auto channels = static_cast<int64_t>(change.scale.size());
  const double deviation = std::sqrt(1 + BatchNormAttributes{}.epsilon);
  const auto add = [&](const std::string& name, auto value) {
    Tensor tensor(DType::kF32, {channels});
    for (size_t c = 0; c < change.scale.size(); ++c) tensor.floats()[c] = static_cast<float>(value(c));
    tensors.emplace(node + name, std::move(tensor));
  };
  add(".weight", [&](size_t c) { return change.scale[c] * deviation; });
  add(".bias", [&](size_t c) { return change.shift[c]; });
  add(".running_mean", [](size_t) { return 0; });
  add(".running_var", [](size_t) { return 1; });
}

// Whether two trainings kept the same images back.
bool same_splits(const Provenance& a, const Provenance& b) {
  try {
    const SplitOptions one = recorded_data(a).split, other = recorded_data(b).split;
    return one.validation == other.validation && one.calibration == other.calibration && one.seed == other.seed &&
           one.imbalance == other.imbalance;
  } catch (const Error&) {
    return false;  // a record that cannot be read says nothing
  }
}

Provenance provenance_of(std::span<const ModelFile> models) {
  // The dearest network that says on what it was trained.
  Provenance result = models.back().manifest.provenance;
  for (const ModelFile& model : models) {
    if (result.config_toml.empty()) result = model.manifest.provenance;
  }
  for (const ModelFile& model : models) {
    const Provenance& own = model.manifest.provenance;
    const bool same = own.data_hash == result.data_hash && !own.data_hash.empty() && same_splits(own, result);
    result.trained_elsewhere = result.trained_elsewhere || own.trained_elsewhere || !same;
  }
  result.sooner_version = SOONER_VERSION;
  result.regime = kCascadeRegime;
  return result;
}

}  // namespace

ModelFile cascade_model(std::span<const ModelFile> models) {
  std::vector<Graph> graphs;
  std::vector<InputChange> changes;
  for (const ModelFile& model : models) {
    check_answers_fit(models[0].manifest, model.manifest);
    graphs.push_back(model.manifest.graph);
    changes.push_back(model.manifest.graph.input_shape == models[0].manifest.graph.input_shape
                          ? change_of(models[0].manifest.preprocessing, model.manifest.preprocessing)
                          : InputChange{});
  }
  ModelFile joint;
  Manifest& manifest = joint.manifest;
  manifest.graph = cascade(graphs, changes);
  manifest.class_names = models[0].manifest.class_names;
  manifest.preprocessing = models[0].manifest.preprocessing;
  manifest.saved_precision = models[0].manifest.saved_precision;
  manifest.provenance = provenance_of(models);
  for (size_t i = 0; i < models.size(); ++i) {
    const std::string prefix = cascade_prefix(i);
    for (const ParameterSpec& spec : parameters(graphs[i])) {
      joint.tensors.emplace(prefix + spec.name, models[i].tensors.at(spec.name));
    }
    if (!changes[i].scale.empty()) add_change(prefix + "input", changes[i], joint.tensors);
  }
  return joint;
}

}  // namespace sooner
