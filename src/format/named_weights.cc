#include "format/named_weights.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "core/error.h"
#include "core/text.h"
#include "graph/parameters.h"

namespace sooner {
namespace {

constexpr std::string_view kBatchCount = ".num_batches_tracked";

// What stands before every name, ending in '.', where the graph's names then fit.
std::string shared_prefix(const Graph& graph, const Safetensors& file) {
  std::set<std::string> wanted;
  for (const ParameterSpec& spec : parameters(graph)) wanted.insert(spec.name);
  if (file.tensors.empty() || wanted.empty()) return "";
  for (const auto& each : file.tensors) {
    if (wanted.contains(each.first)) return "";
  }
  const std::string& first = file.tensors.begin()->first;
  for (size_t dot = first.find('.'); dot != std::string::npos; dot = first.find('.', dot + 1)) {
    const std::string prefix = first.substr(0, dot + 1);
    const bool shared =
        std::ranges::all_of(file.tensors, [&](const auto& each) { return each.first.starts_with(prefix); });
    if (!shared) return "";
    const auto fits = [&](const auto& each) { return wanted.contains(each.first.substr(prefix.size())); };
    if (std::ranges::any_of(file.tensors, fits)) return prefix;
  }
  return "";
}

Tensor as_floats(const Tensor& tensor, const std::string& name, const std::string& place) {
  if (tensor.dtype() == DType::kF32) return tensor;
  if (tensor.dtype() != DType::kBF16) {
    fail(Code::kDataLoss, "[weights] '{}': '{}' is {}, expected F32 or BF16; save the weights in fp32", place, name,
         to_string(tensor.dtype()));
  }
  Tensor wide(DType::kF32, tensor.shape());
  for (size_t i = 0; i < wide.floats().size(); ++i) {
    uint16_t bits = 0;
    std::memcpy(&bits, tensor.raw().data() + 2 * i, sizeof bits);
    wide.floats()[i] = from_bf16(bits);
  }
  return wide;
}

}  // namespace

NamedWeights take_named_weights(const Graph& graph, const Safetensors& file, const std::string& place) {
  NamedWeights result;
  const std::string prefix = shared_prefix(graph, file);
  if (!prefix.empty())
    result.notes.push_back(fmt::format("names of weights begin with '{}', which is left out", prefix));
  std::vector<std::string> there;
  for (const auto& each : file.tensors) there.push_back(each.first.substr(prefix.size()));
  std::set<std::string> used;
  bool narrow = false;
  for (const ParameterSpec& spec : parameters(graph)) {
    const auto found = file.tensors.find(prefix + spec.name);
    if (found == file.tensors.end()) {
      fail(Code::kDataLoss, "[weights] '{}' has no '{}', which {} needs; {}", place, spec.name, graph.name,
           suggest(spec.name, there));
    }
    if (found->second.shape() != spec.shape) {
      fail(Code::kDataLoss, "[weights] '{}': '{}' is {}, {} has {} there; is it another member of the family?", place,
           spec.name, to_string(found->second.shape()), graph.name, to_string(spec.shape));
    }
    narrow |= found->second.dtype() == DType::kBF16;
    result.tensors[spec.name] = as_floats(found->second, spec.name, place);
    used.insert(spec.name);
  }
  if (narrow) result.notes.emplace_back("weights in bf16 were widened to fp32");
  for (const std::string& name : there) {
    if (used.contains(name) || name.ends_with(kBatchCount)) continue;
    fail(Code::kDataLoss, "[weights] '{}' holds '{}', which {} has no place for; is it another network's?", place, name,
         graph.name);
  }
  return result;
}

Safetensors state_dict_of(const Graph& plain, const TensorMap& tensors) {
  Safetensors file;
  file.metadata = {{"format", "pt"}};
  for (const ParameterSpec& spec : parameters(plain)) {
    const auto found = tensors.find(spec.name);
    if (found == tensors.end()) fail(Code::kInvalidArgument, "[weights] tensor '{}' is missing", spec.name);
    file.tensors.emplace(spec.name, found->second);
    if (spec.kind == ParameterKind::kRunningVar) {
      file.tensors.emplace(plain.node(spec.node).name + std::string(kBatchCount), Tensor(DType::kI64, {}));
    }
  }
  return file;
}

}  // namespace sooner
