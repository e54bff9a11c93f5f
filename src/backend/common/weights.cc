#include "backend/common/weights.h"

#include <cmath>
#include <cstring>

#include "core/error.h"
#include "graph/parameters.h"

namespace sooner {
namespace {

Tensor as_floats(const std::string& name, const Tensor& tensor) {
  if (tensor.dtype() == DType::kF32) return tensor;
  if (tensor.dtype() != DType::kBF16) {
    fail(Code::kInvalidArgument, "[Backend::compile] weight '{}' is {}, expected F32 or BF16", name,
         to_string(tensor.dtype()));
  }
  Tensor wide(DType::kF32, tensor.shape());
  for (size_t i = 0; i < wide.floats().size(); ++i) {
    uint16_t bits = 0;
    std::memcpy(&bits, tensor.raw().data() + i * sizeof(bits), sizeof(bits));
    wide.floats()[i] = from_bf16(bits);
  }
  return wide;
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
    const Tensor tensor = as_floats(spec.name, found->second);
    const std::span<const float> values = tensor.floats();
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
    values_.emplace(spec.name, tensor);
  }
}

std::span<const float> Weights::get(std::string_view name) const {
  const auto found = values_.find(name);
  SOONER_ASSERT(found != values_.end());
  return found->second.floats();
}

std::span<const float> Weights::get_or_empty(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::span<const float>{} : found->second.floats();
}

}  // namespace sooner
