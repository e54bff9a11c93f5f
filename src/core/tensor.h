// A dense tensor in row-major order: a shape, an element type and shared, immutable-once-shared bytes.
//
// Copying a Tensor shares its bytes; `clone` copies them. Not a compute type: backends and LibTorch have theirs.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>

#include "core/dtype.h"
#include "core/shape.h"

namespace sooner {

class Tensor {
 public:
  Tensor() = default;
  // Zeros. Throws kInvalidArgument for an impossible shape.
  Tensor(DType dtype, Shape shape);
  // Of bytes that live elsewhere (a mapped file), kept alive by `bytes`. REQUIRES: aligned for `dtype`, long enough.
  static Tensor view(DType dtype, Shape shape, std::shared_ptr<std::byte> bytes);
  // Copies `values`, whose size must equal the shape's element count.
  static Tensor from_floats(Shape shape, std::span<const float> values);

  [[nodiscard]] DType dtype() const { return dtype_; }
  [[nodiscard]] const Shape& shape() const { return shape_; }
  [[nodiscard]] int64_t elements() const;
  [[nodiscard]] size_t bytes() const;
  [[nodiscard]] std::span<std::byte> raw();
  [[nodiscard]] std::span<const std::byte> raw() const;
  // REQUIRES: dtype() is kF32; throws kInternal otherwise.
  [[nodiscard]] std::span<float> floats();
  [[nodiscard]] std::span<const float> floats() const;
  [[nodiscard]] Tensor clone() const;

 private:
  DType dtype_ = DType::kF32;
  Shape shape_{0};
  std::shared_ptr<std::byte> data_;
  size_t bytes_ = 0;
};

// By name, in name order.
using TensorMap = std::map<std::string, Tensor>;

}  // namespace sooner
