#include "zoo/initial_weights.h"

#include <cmath>
#include <functional>

#include "core/hash.h"
#include "core/rng.h"
#include "graph/parameters.h"

namespace sooner {
namespace {

// Inputs that one output of the parameter's layer reads.
double fan_in(const Shape& weight) {
  double product = 1;
  for (size_t i = 1; i < weight.size(); ++i) product *= static_cast<double>(weight[i]);
  return product;
}

void fill(Tensor& tensor, const std::function<double()>& draw) {
  for (float& value : tensor.floats()) value = static_cast<float>(draw());
}

}  // namespace

Tensor initial_value(const ParameterSpec& spec, const Shape& weight, uint64_t seed, double gate_bias) {
  Tensor value(DType::kF32, spec.shape);
  Rng rng{seed, hash_bytes(spec.name)};
  switch (spec.kind) {
    case ParameterKind::kWeight:
      if (spec.shape.size() == 4) {
        const double deviation = std::sqrt(2 / fan_in(spec.shape));
        fill(value, [&] { return rng.normal() * deviation; });
        break;
      }
      [[fallthrough]];
    case ParameterKind::kBias: {
      const double bound = 1 / std::sqrt(fan_in(weight));
      fill(value, [&] { return rng.uniform(-bound, bound); });
      break;
    }
    case ParameterKind::kAlpha:
      fill(value, [&] { return rng.uniform(); });
      break;
    case ParameterKind::kScale:
    case ParameterKind::kRunningVar:
      fill(value, [] { return 1; });
      break;
    case ParameterKind::kGateBias:
      fill(value, [&] { return gate_bias; });
      break;
    case ParameterKind::kShift:
    case ParameterKind::kRunningMean:
    case ParameterKind::kGateFeatures:
    case ParameterKind::kGateScores:
      break;
  }
  return value;
}

TensorMap initial_weights(const Graph& graph, uint64_t seed) {
  TensorMap tensors;
  Shape weight;
  for (const ParameterSpec& spec : parameters(graph)) {
    if (spec.kind == ParameterKind::kWeight) weight = spec.shape;
    tensors.emplace(spec.name, initial_value(spec, weight, seed));
  }
  return tensors;
}

}  // namespace sooner
