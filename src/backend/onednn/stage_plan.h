// Which primitives a stage is made of: graph nodes fused into steps. Works on the graph alone; no weights, no memory,
// no library.
//
// Fused: convolution + batch norm + residual add (not with groups) + ReLU, clip or hard swish; pooling, batch norm, add
// or linear + ReLU. A flatten that is only read by linear layers costs nothing: their weights are permuted instead.
// Values that leave the stage, or that more than one node reads, are always materialised.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "core/shape.h"
#include "graph/graph.h"

namespace sooner::onednn {

enum class StepKind : uint8_t {
  kFromPlanes,  // the input image, to channels last
  kCopy,        // a value that only passes through the stage
  kConvolution,
  kPool,
  kMean,
  kScaleShift,  // a batch norm on its own
  kRelu,
  kAdd,
  kFlatten,
  kChannels,  // moved: one input of a concatenation, to its place; a slice; a shuffle
  kLayerNorm,
  kClip,
  kHardSwish,
  kLeakyRelu,
  kSigmoid,
  kHardSigmoid,
  kGelu,
  kMul,
  kPad,
  kResponseNorm,
  kLinear,
  kGate,
};

struct PlannedStep {
  StepKind kind = StepKind::kCopy;
  // Fused into it, in order; empty for a copy, the gate, and the parts of a concatenation but its last.
  std::vector<NodeId> nodes;
  NodeId src = -1;
  NodeId src2 = -1;        // the other addend or factor (of kAdd, kMul), or the residual a convolution adds
  NodeId dst = -1;         // the last of `nodes`; -1 for the gate
  NodeId batch_norm = -1;  // folded into a convolution
  bool relu = false;
  NodeId activation = -1;  // the clip or hard swish that a convolution ends with
  bool head = false;
  int64_t dst_offset = 0;     // of channels moved: where they begin in dst
  bool permuted_src = false;  // linear: reads a map where the graph says its flattened vector
};

// Trunk steps first, then head steps, each list in an order that can be run.
std::vector<PlannedStep> plan_stage(const Graph& graph, const std::vector<Shape>& shapes, size_t stage);

}  // namespace sooner::onednn
