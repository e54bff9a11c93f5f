// A regression learns standardised targets, (y - mean) / std, and answers in their unit: when training is done the
// scale goes into the last linear layer of every head, so that nobody behind the trainer need know it.
#pragma once

#include "core/tensor.h"
#include "graph/graph.h"
#include "recipe/targets.h"

namespace sooner {

// `tensors` as of a network whose every answer z is z * std + mean. Throws kFailedPrecondition for a head whose last
// layer has no bias. REQUIRES: the graph's parameters, F32.
void scale_answers(const Graph& graph, const Standard& standard, TensorMap& tensors);
// The way back: (z - mean) / std.
Standard inverse(const Standard& standard);

}  // namespace sooner
