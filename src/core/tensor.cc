#include "core/tensor.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/error.h"

namespace sooner {

Tensor::Tensor(DType dtype, Shape shape)
    : dtype_(dtype),
      shape_(std::move(shape)),
      buffer_(std::make_shared<AlignedBuffer>(static_cast<size_t>(element_count(shape_)) * size_of(dtype))) {}

Tensor Tensor::from_floats(Shape shape, std::span<const float> values) {
  Tensor tensor(DType::kF32, std::move(shape));
  SOONER_ASSERT(values.size() == static_cast<size_t>(tensor.elements()));
  std::copy(values.begin(), values.end(), tensor.floats().begin());
  return tensor;
}

int64_t Tensor::elements() const { return element_count(shape_); }
size_t Tensor::bytes() const { return buffer_->size(); }
std::span<std::byte> Tensor::raw() { return buffer_->bytes(); }
std::span<const std::byte> Tensor::raw() const { return std::as_const(*buffer_).bytes(); }

std::span<float> Tensor::floats() {
  SOONER_ASSERT(dtype_ == DType::kF32);
  return {buffer_->as<float>(), bytes() / sizeof(float)};
}
std::span<const float> Tensor::floats() const {
  SOONER_ASSERT(dtype_ == DType::kF32);
  return {std::as_const(*buffer_).as<float>(), bytes() / sizeof(float)};
}

Tensor Tensor::clone() const {
  Tensor copy(dtype_, shape_);
  if (bytes() > 0) std::memcpy(copy.raw().data(), raw().data(), bytes());
  return copy;
}

}  // namespace sooner
