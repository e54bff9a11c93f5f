#include "core/tensor.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/aligned_buffer.h"
#include "core/error.h"

namespace sooner {

Tensor::Tensor(DType dtype, Shape shape)
    : dtype_(dtype), shape_(std::move(shape)), bytes_(static_cast<size_t>(element_count(shape_)) * size_of(dtype)) {
  const auto buffer = std::make_shared<AlignedBuffer>(bytes_);
  data_ = {buffer, buffer->data()};
}

Tensor Tensor::view(DType dtype, Shape shape, std::shared_ptr<std::byte> bytes) {
  SOONER_ASSERT(reinterpret_cast<uintptr_t>(bytes.get()) % size_of(dtype) == 0);
  Tensor tensor;
  tensor.dtype_ = dtype;
  tensor.bytes_ = static_cast<size_t>(element_count(shape)) * size_of(dtype);
  tensor.shape_ = std::move(shape);
  tensor.data_ = std::move(bytes);
  return tensor;
}

Tensor Tensor::from_floats(Shape shape, std::span<const float> values) {
  Tensor tensor(DType::kF32, std::move(shape));
  SOONER_ASSERT(values.size() == static_cast<size_t>(tensor.elements()));
  std::copy(values.begin(), values.end(), tensor.floats().begin());
  return tensor;
}

int64_t Tensor::elements() const { return element_count(shape_); }
size_t Tensor::bytes() const { return bytes_; }
std::span<std::byte> Tensor::raw() { return {data_.get(), bytes_}; }
std::span<const std::byte> Tensor::raw() const { return {data_.get(), bytes_}; }

std::span<float> Tensor::floats() {
  SOONER_ASSERT(dtype_ == DType::kF32);
  return {reinterpret_cast<float*>(data_.get()), bytes_ / sizeof(float)};
}
std::span<const float> Tensor::floats() const {
  SOONER_ASSERT(dtype_ == DType::kF32);
  return {reinterpret_cast<const float*>(data_.get()), bytes_ / sizeof(float)};
}

Tensor Tensor::clone() const {
  Tensor copy(dtype_, shape_);
  if (bytes() > 0) std::memcpy(copy.raw().data(), raw().data(), bytes());
  return copy;
}

}  // namespace sooner
