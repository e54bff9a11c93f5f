// A linear layer's weights in the order the linear kernel reads them. Made once, when a stage is compiled.
#pragma once

#include <optional>
#include <span>

#include "core/aligned_buffer.h"
#include "core/shape.h"

namespace sooner::onednn {

struct LinearWeights {
  AlignedBuffer weight;  // floats, [blocks of 16 outputs][inputs][16], zero beyond the last output
  AlignedBuffer bias;    // floats, [blocks * 16]
  size_t inputs = 0;
  size_t outputs = 0;
};

// weight [O, I], bias [O] or empty. `extra` [I] becomes one more output after the others, without bias: a gate's
// features ride along with the logits. With `map` [C, H, W] the input is that map, channels last, where the weights
// expect it flattened as [C, H, W].
LinearWeights pack_linear(std::span<const float> weight, std::span<const float> bias, size_t inputs,
                          std::span<const float> extra, const std::optional<Shape>& map);

}  // namespace sooner::onednn
