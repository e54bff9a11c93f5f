// Every exit's answer of a module to a list of samples, in fp32, with the statistics of evaluation.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "data/batch_loader.h"
#include "data/image_source.h"
#include "recipe/targets.h"
#include "run/exit_metrics.h"
#include "train/compute_mode.h"
#include "train/graph_module.h"

namespace sooner {

// In the order of `indices`. The module stays where `mode` put it. REQUIRES: indices is not empty. Throws kDataLoss for
// an image that went bad.
ExitAnswers evaluate(GraphModule& module, const ComputeMode& mode, const DataSet& data,
                     const std::shared_ptr<const ImageSource>& source, std::span<const int64_t> indices);

// What the answers to a batch should be, [N], as losses.h has it.
at::Tensor place_truth(const Batch& batch, const Targets& targets, const ComputeMode& mode);

// `images` [N, C, H, W] floats, row-major, as a tensor where and how `mode` wants it.
at::Tensor place_images(std::span<const float> images, int64_t n, const Shape& image_shape, const ComputeMode& mode);

}  // namespace sooner
