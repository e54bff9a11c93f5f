#include "train/evaluate.h"

#include <algorithm>
#include <cmath>

#include "train/torch_tensors.h"

namespace sooner {
namespace {

constexpr int32_t kBatch = 250;

void append(std::vector<float>& to, const at::Tensor& tensor) {
  const at::Tensor dense = tensor.to(at::kCPU).contiguous();
  to.insert(to.end(), dense.const_data_ptr<float>(), dense.const_data_ptr<float>() + dense.numel());
}

}  // namespace

at::Tensor place_truth(const Batch& batch, const Targets& targets, const ComputeMode& mode) {
  // from_blob takes no const pointer, but nothing writes through this one.
  if (!targets.standard) {
    return at::from_blob(const_cast<int32_t*>(batch.labels.data()), {batch.n}, at::kInt).to(mode.device, at::kLong);
  }
  const at::Tensor truth = at::from_blob(const_cast<float*>(batch.targets.data()), {batch.n}, at::kFloat);
  return ((truth - targets.standard->mean) / targets.standard->std).to(mode.device);
}

at::Tensor place_images(std::span<const float> images, int64_t n, const Shape& image_shape, const ComputeMode& mode) {
  std::vector<int64_t> shape{n};
  shape.insert(shape.end(), image_shape.begin(), image_shape.end());
  // from_blob takes no const pointer, but nothing writes through this one.
  const at::Tensor borrowed = at::from_blob(const_cast<float*>(images.data()), shape, at::kFloat);
  const auto format = mode.channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  return borrowed.to(mode.device, at::kFloat, /*non_blocking=*/false, /*copy=*/false, format);
}

ExitAnswers evaluate(GraphModule& module, const ComputeMode& mode, const DataSet& data,
                     const std::shared_ptr<const ImageSource>& source, std::span<const int64_t> indices) {
  LoaderOptions options;
  options.batch_size = kBatch;
  options.mean = data.mean;
  options.std = data.std;
  BatchLoader loader(source, data.image_shape, {indices.begin(), indices.end()}, options);
  loader.start_epoch(0);
  ExitAnswers answers;
  answers.samples = static_cast<int64_t>(indices.size());
  answers.exits = static_cast<int32_t>(module.graph().exits());
  answers.classes = static_cast<int32_t>(module.graph().classes);
  return guard_torch("evaluate", [&] {
    const at::NoGradGuard no_grad;
    while (const Batch* batch = loader.next()) {
      const ExitOutputs outputs = module.forward(place_images(batch->images, batch->n, data.image_shape, mode), false);
      append(answers.logits, at::stack(outputs.logits, 1));
      std::vector<at::Tensor> gates;
      for (const at::Tensor& gate : outputs.gates) {
        gates.push_back(gate.defined() ? at::sigmoid(gate)
                                       : at::full_like(outputs.logits[0].select(1, 0), std::nan("")));
      }
      if (!gates.empty()) append(answers.gates, at::stack(gates, 1));
      answers.labels.insert(answers.labels.end(), batch->labels.begin(), batch->labels.end());
      answers.targets.insert(answers.targets.end(), batch->targets.begin(), batch->targets.end());
    }
    return answers;
  });
}

}  // namespace sooner
