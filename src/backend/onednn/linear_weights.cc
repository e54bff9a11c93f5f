#include "backend/onednn/linear_weights.h"

#include <algorithm>

#include "core/error.h"

namespace sooner::onednn {

LinearWeights pack_linear(std::span<const float> weight, std::span<const float> bias, size_t inputs,
                          std::span<const float> extra, const std::optional<Shape>& map) {
  constexpr size_t kLanes = 16;
  const size_t own = weight.size() / inputs;
  LinearWeights packed;
  packed.inputs = inputs;
  packed.outputs = own + (extra.empty() ? 0 : 1);
  const size_t blocks = (packed.outputs + kLanes - 1) / kLanes;
  packed.weight = AlignedBuffer(blocks * inputs * kLanes * sizeof(float));
  packed.bias = AlignedBuffer(blocks * kLanes * sizeof(float));
  std::copy(bias.begin(), bias.end(), packed.bias.as<float>());
  const auto channels = map ? static_cast<size_t>((*map)[0]) : 1;
  const size_t pixels = inputs / channels;
  SOONER_ASSERT(pixels * channels == inputs);
  for (size_t o = 0; o < packed.outputs; ++o) {
    const std::span<const float> row = o < own ? weight.subspan(o * inputs, inputs) : extra;
    for (size_t i = 0; i < inputs; ++i) {
      const size_t planes_index = i % channels * pixels + i / channels;  // channels last -> planes
      packed.weight.as<float>()[(o / kLanes * inputs + i) * kLanes + o % kLanes] = row[planes_index];
    }
  }
  return packed;
}

}  // namespace sooner::onednn
