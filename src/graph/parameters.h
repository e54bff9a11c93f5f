// What a graph's weights are: their names, shapes, and who owns them. The values are tensors found by these names.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/shape.h"
#include "graph/graph.h"

namespace sooner {

enum class ParameterKind : uint8_t {
  kWeight,
  kBias,
  kScale,
  kShift,
  kRunningMean,
  kRunningVar,
  kAlpha,
  kGateFeatures,
  kGateScores,
  kGateBias
};

struct ParameterSpec {
  std::string name;  // torchvision's names where there is a twin: "layer1.0.bn1.running_mean"
  Shape shape;       // conv [O, I/groups, KH, KW]; linear [O, I]; batch norm [C]; alpha [1]; gate [1, F], [1, 4], [1]
  ParameterKind kind = ParameterKind::kWeight;
  NodeId node = -1;   // -1 for gates
  int32_t exit = -1;  // the exit whose gate or head owns it; -1 for trunk
  [[nodiscard]] bool trainable() const {
    return kind != ParameterKind::kRunningMean && kind != ParameterKind::kRunningVar;
  }
};

// All parameters and buffers of the graph, in node order, gates last. REQUIRES: a valid graph.
std::vector<ParameterSpec> parameters(const Graph& graph);

// "<exit index>" based names of gate parameters: "exits.0.gate.features.weight", "…scores.weight", "…bias".
std::string gate_features_name(size_t exit_index);
std::string gate_scores_name(size_t exit_index);
std::string gate_bias_name(size_t exit_index);

}  // namespace sooner
