#include "train/start_weights.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "core/error.h"

namespace sooner {
namespace {

bool fits(const ParameterSpec& spec, const TensorMap& tensors) {
  const auto found = tensors.find(spec.name);
  return found != tensors.end() && found->second.shape() == spec.shape && found->second.dtype() == DType::kF32;
}

}  // namespace

std::string take_weights(GraphModule& module, const ModelFile& start, const std::string& place) {
  const auto last = static_cast<int32_t>(module.graph().exits()) - 1;
  std::vector<bool> whole(module.graph().exits(), true);
  for (const GraphModule::Parameter& parameter : module.parameters()) {
    const ParameterSpec& spec = parameter.spec;
    if (fits(spec, start.tensors)) continue;
    if (spec.exit < 0 || spec.exit == last) {
      fail(Code::kDataLoss,
           "[train.start] '{}' holds no F32 tensor '{}' of shape {}: its network is {}, this one {}; name a model of "
           "the same backbone, saved in fp32",
           place, spec.name, to_string(spec.shape), start.manifest.graph.name, module.graph().name);
    }
    whole[static_cast<size_t>(spec.exit)] = false;
  }
  TensorMap tensors = module.export_tensors();
  for (auto& [name, tensor] : tensors) {
    const auto spec =
        std::ranges::find_if(module.parameters(), [&](const auto& each) { return each.spec.name == name; });
    if (spec->spec.exit < 0 || whole[static_cast<size_t>(spec->spec.exit)]) tensor = start.tensors.at(name);
  }
  module.import_tensors(tensors);
  std::vector<size_t> taken;
  for (size_t k = 0; k < whole.size(); ++k) {
    if (whole[k]) taken.push_back(k);
  }
  return fmt::format("trunk and {} {}", taken.size() == 1 ? "exit" : "exits", fmt::join(taken, ", "));
}

}  // namespace sooner
