#include "backend/common/weights.h"

#include <cmath>
#include <cstring>

#include "core/error.h"

namespace sooner {
namespace {

std::vector<float> as_floats(const std::string& name, const Tensor& tensor) {
  const auto count = static_cast<size_t>(tensor.elements());
  std::vector<float> values(count);
  if (tensor.dtype() == DType::kF32) {
    std::memcpy(values.data(), tensor.raw().data(), count * sizeof(float));
    return values;
  }
  if (tensor.dtype() != DType::kBF16) {
    fail(Code::kInvalidArgument, "[Backend::compile] weight '{}' is {}, expected F32 or BF16", name,
         to_string(tensor.dtype()));
  }
  for (size_t i = 0; i < count; ++i) {
    uint16_t bits = 0;
    std::memcpy(&bits, tensor.raw().data() + i * sizeof(bits), sizeof(bits));
    values[i] = from_bf16(bits);
  }
  return values;
}

}  // namespace

Weights::Weights(const Graph& graph, const TensorMap& tensors) {
  for (const ParameterSpec& spec : parameters(graph)) {
    const auto found = tensors.find(spec.name);
    if (found == tensors.end()) {
      fail(Code::kInvalidArgument, "[Backend::compile] weight '{}' is missing; the tensors belong to another network",
           spec.name);
    }
    if (found->second.shape() != spec.shape) {
      fail(Code::kInvalidArgument, "[Backend::compile] weight '{}' has shape {}, expected {}", spec.name,
           to_string(found->second.shape()), to_string(spec.shape));
    }
    std::vector<float> values = as_floats(spec.name, found->second);
    for (size_t i = 0; i < values.size(); ++i) {
      if (!std::isfinite(values[i])) {
        fail(Code::kInvalidArgument, "[Backend::compile] weight '{}' is {} at element {}, expected a finite number",
             spec.name, values[i], i);
      }
    }
    if (spec.kind == ParameterKind::kRunningVar) {
      for (size_t i = 0; i < values.size(); ++i) {
        if (values[i] < 0) {
          fail(Code::kInvalidArgument, "[Backend::compile] weight '{}' is {} at element {}, expected a variance >= 0",
               spec.name, values[i], i);
        }
      }
    }
    values_.emplace(spec.name, std::move(values));
  }
}

std::span<const float> Weights::get(std::string_view name) const {
  const auto found = values_.find(name);
  SOONER_ASSERT(found != values_.end());
  return found->second;
}

std::span<const float> Weights::get_or_empty(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::span<const float>{} : std::span<const float>(found->second);
}

}  // namespace sooner
