#include "train/initialisation.h"

#include <algorithm>

#include "core/error.h"
#include "data/batch_loader.h"
#include "train/evaluate.h"
#include "train/torch_tensors.h"

namespace sooner {
namespace {

constexpr int32_t kBatch = 250;
// Added to eigenvalues of patches: directions with no variance to speak of are not blown up.
constexpr double kLeastVariance = 5e-4;

GraphModule::Parameter& weight_of(GraphModule& module, const Node& node) {
  const auto found = std::ranges::find_if(module.parameters(), [&](const GraphModule::Parameter& parameter) {
    return parameter.spec.name == node.name + ".weight";
  });
  SOONER_ASSERT(found != module.parameters().end());
  return *found;
}

const Node& convolution_of_images(const Graph& graph) {
  const Node* found = nullptr;
  size_t readers = 0;
  for (const Node& node : graph.nodes) {
    if (std::ranges::find(node.inputs, NodeId{0}) == node.inputs.end()) continue;
    ++readers;
    if (node.op == OpKind::kConv2d && std::get<Conv2dAttributes>(node.attributes).groups == 1) found = &node;
  }
  if (readers != 1 || found == nullptr) {
    fail(Code::kInvalidArgument,
         "[config] train.whiten needs a network whose images are read by one convolution alone, '{}' has another "
         "beginning; leave it out",
         graph.name);
  }
  return *found;
}

// [patches, C * kh * kw], in the order of a weight's row.
at::Tensor patches_of(const at::Tensor& images, int64_t height, int64_t width) {
  const at::Tensor windows = images.unfold(2, height, 1).unfold(3, width, 1);  // [n, C, y, x, kh, kw]
  return windows.permute({0, 2, 3, 1, 4, 5}).reshape({-1, images.size(1) * height * width});
}

}  // namespace

void for_each_batch(const DataSet& data, std::span<const int64_t> indices, int32_t batch_size, const ComputeMode& mode,
                    const std::function<void(const at::Tensor&)>& use) {
  LoaderOptions options;
  options.batch_size = batch_size;
  options.mean = data.mean;
  options.std = data.std;
  BatchLoader loader(data.train, data.image_shape, {indices.begin(), indices.end()}, options);
  loader.start_epoch(0);
  guard_torch("for_each_batch", [&] {
    const at::NoGradGuard no_grad;
    while (const Batch* batch = loader.next()) use(place_images(batch->images, batch->n, data.image_shape, mode));
  });
}

void start_from_identity(GraphModule& module) {
  const at::NoGradGuard no_grad;
  for (const Node& node : module.graph().nodes) {
    if (node.op != OpKind::kConv2d) continue;
    const auto& a = std::get<Conv2dAttributes>(node.attributes);
    if (a.groups != 1 || a.kernel_h % 2 == 0 || a.kernel_w % 2 == 0) continue;
    const at::Tensor weight = weight_of(module, node).value.detach();
    const int64_t through = std::min(weight.size(0), weight.size(1));
    weight.narrow(0, 0, through).zero_();
    for (int64_t i = 0; i < through; ++i) weight[i][i][a.kernel_h / 2][a.kernel_w / 2] = 1;
  }
}

void whiten_first_convolution(GraphModule& module, const DataSet& data, std::span<const int64_t> indices,
                              const ComputeMode& mode) {
  const Node& node = convolution_of_images(module.graph());
  const auto& a = std::get<Conv2dAttributes>(node.attributes);
  at::Tensor sum, products;
  int64_t count = 0;
  for_each_batch(data, indices, kBatch, mode, [&](const at::Tensor& images) {
    const at::Tensor patches = patches_of(images, a.kernel_h, a.kernel_w).to(at::kDouble);
    const at::Tensor s = patches.sum(0), p = patches.t().mm(patches);
    sum = count == 0 ? s : sum + s;
    products = count == 0 ? p : products + p;
    count += patches.size(0);
  });
  guard_torch("whiten_first_convolution", [&] {
    const at::NoGradGuard no_grad;
    const at::Tensor mean = sum / count;
    const at::Tensor covariance = products / count - mean.outer(mean);
    const auto [values, vectors] = at::linalg_eigh(covariance.cpu());  // ascending; vectors are columns
    GraphModule::Parameter& parameter = weight_of(module, node);
    const at::Tensor weight = parameter.value.detach();
    const int64_t size = values.size(0), filters = std::min(weight.size(0), 2 * size);
    for (int64_t i = 0; i < filters; ++i) {
      const int64_t at = size - 1 - i / 2;
      // Eigenvectors have no sign of their own: the largest part is made positive, on every machine.
      at::Tensor vector = vectors.select(1, at);
      if (vector[vector.abs().argmax()].item<double>() < 0) vector = -vector;
      const at::Tensor filter = vector / (values[at] + kLeastVariance).sqrt();
      weight[i].copy_((i % 2 == 0 ? filter : -filter).reshape(weight[i].sizes()));
    }
    module.freeze(parameter.spec.name);
  });
}

void measure_statistics(GraphModule& module, const DataSet& data, std::span<const int64_t> indices, int32_t batch_size,
                        const ComputeMode& mode) {
  const bool normalises =
      std::ranges::any_of(module.graph().nodes, [](const Node& node) { return node.op == OpKind::kBatchNorm; });
  if (!normalises) return;
  // A short last batch would count as much as a whole one.
  const size_t whole = indices.size() - indices.size() % static_cast<size_t>(batch_size);
  int64_t batches = 0;
  for_each_batch(data, whole > 0 ? indices.first(whole) : indices, batch_size, mode, [&](const at::Tensor& images) {
    const AutocastRegion autocast(mode);
    module.measure_statistics(images, batches++);
  });
}

}  // namespace sooner
