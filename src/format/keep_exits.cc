#include "format/keep_exits.h"
#include "graph/keep_exits.h"
#include "graph/parameters.h"

namespace sooner {
namespace {

constexpr const char* kLogits = "sooner.check.logits";
constexpr const char* kGates = "sooner.check.gates";

// [n, exits, ...] -> [n, chosen, ...].
Tensor select(const Tensor& tensor, std::span<const size_t> chosen) {
  Shape shape = tensor.shape();
  const auto exits = static_cast<size_t>(shape[1]);
  shape[1] = static_cast<int64_t>(chosen.size());
  Tensor result(DType::kF32, shape);
  const std::span<const float> from = tensor.floats();
  const std::span<float> to = result.floats();
  const size_t row = from.size() / static_cast<size_t>(tensor.shape()[0]) / exits;
  size_t at = 0;
  for (int64_t n = 0; n < shape[0]; ++n) {
    for (const size_t k : chosen) {
      const auto source = from.subspan((static_cast<size_t>(n) * exits + k) * row, row);
      std::copy(source.begin(), source.end(), to.begin() + static_cast<ptrdiff_t>(at));
      at += row;
    }
  }
  return result;
}

// Gates are called by their exit's index, which changes.
std::string old_name(const ParameterSpec& parameter, std::span<const size_t> kept) {
  switch (parameter.kind) {
    case ParameterKind::kGateFeatures:
      return gate_features_name(kept[static_cast<size_t>(parameter.exit)]);
    case ParameterKind::kGateScores:
      return gate_scores_name(kept[static_cast<size_t>(parameter.exit)]);
    case ParameterKind::kGateBias:
      return gate_bias_name(kept[static_cast<size_t>(parameter.exit)]);
    default:
      return parameter.name;
  }
}

}  // namespace

ModelFile keep_exits(const ModelFile& model, std::span<const size_t> kept) {
  ModelFile result;
  result.manifest = model.manifest;
  result.manifest.graph = keep_exits(model.manifest.graph, kept);
  result.manifest.policy = PolicySpec{};
  result.manifest.calibrations.clear();
  result.manifest.quantisation.reset();
  if (kept.empty()) {
    result.manifest.cost_weights.reset();
  } else if (model.manifest.cost_weights) {
    result.manifest.cost_weights = keep_exits(*model.manifest.cost_weights, kept);
  }
  for (const ParameterSpec& parameter : parameters(result.manifest.graph)) {
    result.tensors.emplace(parameter.name, model.tensors.at(old_name(parameter, kept)));
  }
  std::vector<size_t> chosen(kept.begin(), kept.end());
  for (const auto& [name, tensor] : model.tensors) {
    if (!name.starts_with("sooner.")) continue;
    if (name == kGates) {
      if (!kept.empty()) result.tensors.emplace(name, select(tensor, kept));
    } else if (name == kLogits) {
      chosen.push_back(model.manifest.graph.exits() - 1);
      result.tensors.emplace(name, select(tensor, chosen));
      chosen.pop_back();
    } else {
      result.tensors.emplace(name, tensor);
    }
  }
  return result;
}

}  // namespace sooner
