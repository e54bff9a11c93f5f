// A graph's parameters, found by name and checked once, as fp32. Knows nothing of layouts.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/tensor.h"
#include "graph/graph.h"

namespace sooner {

// Immutable after construction.
class Weights {
 public:
  // Takes every parameter of `graph` from `tensors` (F32, whose bytes are shared, or BF16, converted; tensors the graph
  // does not name are ignored).
  // Throws kInvalidArgument naming the first that is missing, of another shape or type, or not finite.
  Weights(const Graph& graph, const TensorMap& tensors);

  // Shapes: graph.h, ParameterSpec. REQUIRES: `name` is a parameter of the graph.
  [[nodiscard]] std::span<const float> get(std::string_view name) const;
  // Empty when the graph has no such parameter (a convolution without bias).
  [[nodiscard]] std::span<const float> get_or_empty(std::string_view name) const;

 private:
  std::map<std::string, Tensor, std::less<>> values_;  // fp32
};

}  // namespace sooner
