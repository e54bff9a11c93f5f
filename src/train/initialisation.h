// Where training begins, beside the seeded weights: convolutions that pass on what they read, and a first one that
// knows the statistics of the pictures.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "data/open_data_set.h"
#include "train/compute_mode.h"
#include "train/graph_module.h"

namespace sooner {

// Hands on batches [n, C, H, W] of `indices` of the training images, in their order, as the network reads them and not
// augmented; the last batch may be short.
void for_each_batch(const DataSet& data, std::span<const int64_t> indices, int32_t batch_size, const ComputeMode& mode,
                    const std::function<void(const at::Tensor&)>& use);

// Output i of a convolution becomes its input i, for as many as it has of both; other outputs keep their weights
// (Zagoruyko and Komodakis, "DiracNets", 2017). Depthwise and grouped ones, and even windows, which have no middle, are
// left as they are.
void start_from_identity(GraphModule& module);

// The convolution that reads the images gets the eigenvectors of their patches, strongest first, each divided by the
// root of its eigenvalue and followed by its negative, as many as it has filters, and is frozen (after Page, 2019, and
// Jordan, 2024). `indices` choose the training images. Throws kInvalidArgument unless exactly one convolution reads the
// images, in one group.
void whiten_first_convolution(GraphModule& module, const DataSet& data, std::span<const int64_t> indices,
                              const ComputeMode& mode);

// Normalisation statistics of the parts that learn, measured anew over `indices`: means over batches. Weights stay.
void measure_statistics(GraphModule& module, const DataSet& data, std::span<const int64_t> indices, int32_t batch_size,
                        const ComputeMode& mode);

}  // namespace sooner
