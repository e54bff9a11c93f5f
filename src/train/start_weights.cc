#include "train/start_weights.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "core/error.h"
#include "graph/keep_exits.h"
#include "graph/parameters.h"

namespace sooner {
namespace {

bool fits(const ParameterSpec& spec, const TensorMap& tensors) {
  const auto found = tensors.find(spec.name);
  return found != tensors.end() && found->second.shape() == spec.shape && found->second.dtype() == DType::kF32;
}

// Weights that fit by name and shape may still be of another network: a deeper one, or one with shortcuts.
void check_same_backbone(const Graph& mine, const Graph& theirs, const std::string& place) {
  const Graph own = plain_backbone(mine), other = plain_backbone(theirs);
  const bool same = std::ranges::equal(own.nodes, other.nodes, [](const Node& a, const Node& b) {
    return a.op == b.op && a.name == b.name && a.inputs == b.inputs && a.attributes == b.attributes;
  });
  if (same && own.input_shape == other.input_shape) return;
  fail(Code::kDataLoss,
       "[train.start] '{}' is of another network: {}, this one is {}; name a model of the same backbone", place,
       theirs.name, mine.name);
}

// How gates depend on the cost weight is no tensor of a model file: it stands in the manifest.
bool is_gate_shift(const ParameterSpec& spec) { return spec.name.starts_with("sooner."); }

// Of the gate of an early exit; nothing where the model's gates were trained otherwise.
std::optional<Tensor> shifts_of(const std::optional<CostWeights>& theirs, const std::optional<CostWeights>& mine,
                                int32_t exit) {
  if (!theirs || !mine || theirs->low != mine->low || theirs->high != mine->high) return std::nullopt;
  const std::vector<double>& shifts = theirs->shifts[static_cast<size_t>(exit)];
  Tensor tensor(DType::kF32, {2});
  std::ranges::transform(shifts, tensor.floats().begin(), [](double shift) { return static_cast<float>(shift); });
  return tensor;
}

}  // namespace

std::string take_weights(GraphModule& module, const ModelFile& start, const std::optional<CostWeights>& range,
                         const std::string& place) {
  const auto last = static_cast<int32_t>(module.graph().exits()) - 1;
  std::vector<bool> whole(module.graph().exits(), true);
  // Heads that were attached and never trained are drawn anew, from this training's seed.
  if (start.manifest.provenance.regime == kAttachedRegime) {
    std::fill(whole.begin(), whole.end() - 1, false);
  }
  for (const GraphModule::Parameter& parameter : module.parameters()) {
    const ParameterSpec& spec = parameter.spec;
    if (is_gate_shift(spec) || fits(spec, start.tensors)) continue;
    if (spec.exit < 0 || spec.exit == last) {
      fail(Code::kDataLoss,
           "[train.start] '{}' holds no F32 tensor '{}' of shape {}: its network is {}, this one {}; name a model of "
           "the same backbone, saved in fp32",
           place, spec.name, to_string(spec.shape), start.manifest.graph.name, module.graph().name);
    }
    whole[static_cast<size_t>(spec.exit)] = false;
  }
  check_same_backbone(module.graph(), start.manifest.graph, place);
  TensorMap tensors = module.export_tensors();
  bool anew = false;  // how some gate depends on the cost weight
  for (auto& [name, tensor] : tensors) {
    const auto spec =
        std::ranges::find_if(module.parameters(), [&](const auto& each) { return each.spec.name == name; });
    if (is_gate_shift(spec->spec)) {
      if (!whole[static_cast<size_t>(spec->spec.exit)]) continue;
      const auto shifts = shifts_of(start.manifest.cost_weights, range, spec->spec.exit);
      if (shifts) tensor = *shifts;
      anew = anew || !shifts;
      continue;
    }
    if (spec->spec.exit < 0 || whole[static_cast<size_t>(spec->spec.exit)]) tensor = start.tensors.at(name);
  }
  module.import_tensors(tensors);
  std::vector<size_t> taken;
  for (size_t k = 0; k < whole.size(); ++k) {
    if (whole[k]) taken.push_back(k);
  }
  return fmt::format("trunk and {} {}{}", taken.size() == 1 ? "exit" : "exits", fmt::join(taken, ", "),
                     anew ? "; how their gates depend on the cost weight is learned anew" : "");
}

}  // namespace sooner
