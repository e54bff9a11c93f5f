// What a step's kernels are given, from the graph and the weights: extents, attributes, folded numbers. Pointers to a
// batch are set when the step runs.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/backend.h"
#include "backend/common/weights.h"
#include "backend/onednn/convolution_setup.h"
#include "backend/onednn/kernels.h"
#include "backend/onednn/stage_plan.h"

namespace sooner::onednn {

// Read while a stage is built, not kept.
struct StageSetup {
  const Graph& graph;
  const std::vector<Shape>& shapes;  // by node id
  const Weights& weights;
  const CompileOptions& options;
};

struct Folded {
  std::vector<float> scale, shift;  // [C]: y = x * scale + shift
};

// A batch norm as one multiplication and one addition.
Folded fold(const Node& node, const Weights& weights);

// Without the scales of int8 maps.
ConvolutionSetup convolution_setup(const StageSetup& setup, const PlannedStep& planned);
PoolArguments pool_arguments(const StageSetup& setup, const PlannedStep& planned);
ChannelArguments channel_arguments(const StageSetup& setup, const PlannedStep& planned);
// For ChannelArguments::order.
std::vector<uint32_t> shuffle_order(const StageSetup& setup, const PlannedStep& planned);
// Attributes alone; of an addition, a batch norm and the like there are none.
ElementwiseArguments elementwise_arguments(const StageSetup& setup, const PlannedStep& planned);
PadArguments pad_arguments(const StageSetup& setup, const PlannedStep& planned);
ResponseNormArguments response_norm_arguments(const StageSetup& setup, const PlannedStep& planned);

}  // namespace sooner::onednn
