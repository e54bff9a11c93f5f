#include "train/torch_tensors.h"

#include <algorithm>
#include <string>

namespace sooner {

Tensor from_torch(const at::Tensor& tensor) {
  SOONER_ASSERT(tensor.scalar_type() == at::kFloat);
  const at::Tensor dense = tensor.detach().to(at::kCPU).contiguous();
  return Tensor::from_floats({dense.sizes().begin(), dense.sizes().end()},
                             {dense.const_data_ptr<float>(), static_cast<size_t>(dense.numel())});
}

at::Tensor to_torch(const Tensor& tensor) {
  at::Tensor result = at::empty(tensor.shape(), at::kFloat);
  std::ranges::copy(tensor.floats(), result.mutable_data_ptr<float>());
  return result;
}

void restore(at::Tensor& value, const TensorMap& saved, const std::string& name, std::string_view place,
             std::string_view what) {
  const auto found = saved.find(name);
  const Shape shape(value.sizes().begin(), value.sizes().end());
  if (found == saved.end() || found->second.shape() != shape || found->second.dtype() != DType::kF32) {
    fail(Code::kDataLoss, "[{}] {} '{}' is missing or not F32 {}; this checkpoint is of another network", place, what,
         name, to_string(shape));
  }
  const at::NoGradGuard no_grad;
  value.copy_(to_torch(found->second));
}

namespace detail {

void fail_torch(std::string_view place, const c10::Error& error) {
  std::string text = error.what_without_backtrace();
  text = text.substr(0, text.find('\n'));
  const bool memory = dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr ||
                      text.find("not enough memory") != std::string::npos ||
                      text.find("alloc_cpu.cpp") != std::string::npos;
  if (memory) {
    fail(Code::kResourceExhausted, "[{}] memory ran out: {}; lower train.batch_size", place, text);
  }
  fail(Code::kInternal, "[{}] LibTorch failed: {}", place, text);
}

}  // namespace detail
}  // namespace sooner
