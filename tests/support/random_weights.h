// Seeded weights and inputs for tests that need a network but not a trained one: scaled so that activations stay
// near 1 through any depth, with statistics that make every normalisation do something.
#pragma once

#include <cmath>
#include <vector>

#include "core/rng.h"
#include "core/tensor.h"
#include "graph/graph.h"
#include "graph/parameters.h"

namespace sooner::test {

inline TensorMap random_weights(const Graph& graph, uint64_t seed) {
  TensorMap tensors;
  uint64_t index = 0;
  for (const ParameterSpec& spec : parameters(graph)) {
    Rng rng{seed, index++};
    Tensor tensor(DType::kF32, spec.shape);
    const std::span<float> values = tensor.floats();
    const double fan_in = static_cast<double>(values.size()) / static_cast<double>(spec.shape[0]);
    for (float& value : values) {
      switch (spec.kind) {
        case ParameterKind::kWeight:
          value = static_cast<float>(rng.normal() * std::sqrt(2 / fan_in));
          break;
        case ParameterKind::kScale:
          value = static_cast<float>(rng.uniform(0.5, 1.2));
          break;
        case ParameterKind::kRunningVar:
          value = static_cast<float>(rng.uniform(0.6, 1.6));
          break;
        case ParameterKind::kAlpha:
          value = static_cast<float>(rng.uniform(0.2, 0.8));
          break;
        case ParameterKind::kGateFeatures:
          value = static_cast<float>(rng.normal() / std::sqrt(fan_in));
          break;
        default:
          value = static_cast<float>(0.2 * rng.normal());
      }
    }
    tensors.emplace(spec.name, std::move(tensor));
  }
  return tensors;
}

// n standard normal samples, [n, C, H, W].
inline std::vector<float> random_images(const Graph& graph, int64_t n, uint64_t seed) {
  Rng rng{seed, 0x1a9eU};
  std::vector<float> values(static_cast<size_t>(n * element_count(graph.input_shape)));
  for (float& value : values) value = static_cast<float>(rng.normal());
  return values;
}

}  // namespace sooner::test
