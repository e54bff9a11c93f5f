// The scales of a network's maps, measured while a backend computes real samples in fp32.
#pragma once

#include <map>
#include <span>
#include <string>

#include "backend/backend.h"
#include "core/tensor.h"
#include "graph/graph.h"
#include "graph/quantisation.h"
#include "quantize/map_range.h"

namespace sooner {

// images: preprocessed, [n, C, H, W], n >= 1; never of the test split. By node name, one for every map that a step of
// `backend` writes down, but for the image. Throws what Backend::compile throws, kInvalidArgument for no or half
// images, kFailedPrecondition when a map overflows.
std::map<std::string, MapScale> measure_scales(const Graph& graph, const TensorMap& weights, const Backend& backend,
                                               std::span<const float> images, RangeMethod method);

}  // namespace sooner
