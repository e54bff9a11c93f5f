#include "onnx/constant_math.h"

#include <algorithm>
#include <numeric>

namespace sooner {
namespace {

constexpr int64_t kLargestExtent = int64_t{1} << 40;

// Elements to skip for a step along each axis; 0 where an extent of one is repeated.
std::vector<int64_t> steps(const Shape& shape, const Shape& whole) {
  std::vector<int64_t> result(whole.size(), 0);
  int64_t step = 1;
  for (size_t i = 0; i < shape.size(); ++i) {
    const size_t from = shape.size() - 1 - i, to = whole.size() - 1 - i;
    if (shape[from] != 1) result[to] = step;
    step *= shape[from];
  }
  return result;
}

// Calls `visit` with the position of every element, the last axis fastest.
void for_each(const Shape& shape, const std::function<void(const std::vector<int64_t>&)>& visit) {
  std::vector<int64_t> at(shape.size(), 0);
  const int64_t count = element_count(shape);
  for (int64_t i = 0; i < count; ++i) {
    visit(at);
    for (size_t axis = shape.size(); axis-- > 0;) {
      if (++at[axis] < shape[axis]) break;
      at[axis] = 0;
    }
  }
}

size_t offset(const std::vector<int64_t>& at, const std::vector<int64_t>& step) {
  return static_cast<size_t>(std::inner_product(at.begin(), at.end(), step.begin(), int64_t{0}));
}

}  // namespace

Tensor combine(const OnnxNode& node, const Tensor& a, const Tensor& b, const std::function<float(float, float)>& rule) {
  Shape whole(std::max(a.shape().size(), b.shape().size()), 1);
  for (const Tensor* each : {&a, &b}) {
    for (size_t i = 0; i < each->shape().size(); ++i) {
      const int64_t extent = each->shape()[each->shape().size() - 1 - i];
      int64_t& mine = whole[whole.size() - 1 - i];
      if (mine == 1) mine = extent;
      if (extent != 1 && extent != mine) {
        node.damaged(fmt::format("combines extents {} with {}", to_string(a.shape()), to_string(b.shape())));
      }
    }
  }
  double product = 1;
  for (const int64_t extent : whole) product *= static_cast<double>(extent);
  if (product > static_cast<double>(kMaxElements)) node.damaged("gives more than 2^31 elements");
  Tensor result(DType::kF32, whole);
  const auto step_a = steps(a.shape(), whole), step_b = steps(b.shape(), whole);
  size_t i = 0;
  for_each(whole, [&](const std::vector<int64_t>& at) {
    result.floats()[i++] = rule(a.floats()[offset(at, step_a)], b.floats()[offset(at, step_b)]);
  });
  return result;
}

Tensor map_elements(const Tensor& tensor, const std::function<float(float)>& rule) {
  Tensor result = tensor.clone();
  std::ranges::transform(result.floats(), result.floats().begin(), rule);
  return result;
}

Tensor reorder_axes(const OnnxNode& node, const Tensor& tensor, const std::vector<int64_t>& order) {
  const size_t rank = tensor.shape().size();
  std::vector<int64_t> sorted = order;
  std::ranges::sort(sorted);
  std::vector<int64_t> all(rank);
  std::iota(all.begin(), all.end(), 0);
  if (sorted != all) node.damaged("its perm is no order of the axes");
  const std::vector<int64_t> own = steps(tensor.shape(), tensor.shape());
  Shape shape;
  std::vector<int64_t> step;
  for (const int64_t axis : order) {
    shape.push_back(tensor.shape()[static_cast<size_t>(axis)]);
    step.push_back(own[static_cast<size_t>(axis)]);
  }
  Tensor result(DType::kF32, shape);
  size_t i = 0;
  for_each(shape, [&](const std::vector<int64_t>& at) { result.floats()[i++] = tensor.floats()[offset(at, step)]; });
  return result;
}

Integers combine(const OnnxNode& node, const Integers& a, const Integers& b, char rule) {
  const size_t count = std::max(a.values.size(), b.values.size());
  const auto fits = [&](const Integers& each) { return each.values.size() == count || each.values.size() == 1; };
  if (!fits(a) || !fits(b)) {
    node.damaged(fmt::format("combines {} with {} integers", a.values.size(), b.values.size()));
  }
  Integers result{{}, a.scalar && b.scalar};
  for (size_t i = 0; i < count; ++i) {
    const Extent x = a.values[a.values.size() == 1 ? 0 : i], y = b.values[b.values.size() == 1 ? 0 : i];
    if (x.batch || y.batch) {
      const bool by_one = (rule == '*' || rule == '/') && !y.batch && y.value == 1;
      const bool of_one = rule == '*' && !x.batch && x.value == 1;
      const bool by_zero = (rule == '+' || rule == '-') && !y.batch && y.value == 0;
      if (!by_one && !of_one && !by_zero) node.unsupported("computes with the size of the batch");
      result.values.push_back(of_one ? y : x);
      continue;
    }
    if (std::abs(x.value) > kLargestExtent || std::abs(y.value) > kLargestExtent)
      node.damaged("computes with integers over 2^40");
    if (rule == '/' && y.value == 0) node.damaged("divides by zero");
    if (rule == '*' &&
        std::abs(static_cast<double>(x.value) * static_cast<double>(y.value)) > static_cast<double>(kLargestExtent)) {
      node.damaged("gives an integer over 2^40");
    }
    const int64_t value = rule == '+'   ? x.value + y.value
                          : rule == '-' ? x.value - y.value
                          : rule == '*' ? x.value * y.value
                                        : x.value / y.value;
    result.values.push_back({value, false});
  }
  return result;
}

Tensor as_tensor(const OnnxNode& node, const Integers& list) {
  std::vector<float> values;
  for (const Extent& extent : list.values) {
    if (extent.batch) node.unsupported("computes with the size of the batch");
    values.push_back(static_cast<float>(extent.value));
  }
  return Tensor::from_floats(list.scalar ? Shape{} : Shape{static_cast<int64_t>(values.size())}, values);
}

ImportValue constant_value(const OnnxNode& node, const Tensor& constant, const std::string& what) {
  if (constant.dtype() == DType::kF32) return constant;
  if (constant.shape().size() > 1) {
    node.unsupported(
        fmt::format("{} holds integers of extents {}, expected a list", what, to_string(constant.shape())));
  }
  Integers list{{}, constant.shape().empty()};
  const auto* data = reinterpret_cast<const int64_t*>(constant.raw().data());
  for (int64_t i = 0; i < constant.elements(); ++i) list.values.push_back({data[i], false});
  return list;
}

int64_t run_bound(int64_t at, int64_t extent) {
  if (at < 0) at = at < -extent ? 0 : at + extent;
  return std::min(at, extent);
}

int64_t normal_axis(const OnnxNode& node, int64_t axis, size_t rank) {
  const auto extent = static_cast<int64_t>(rank);
  if (axis < -extent || axis >= extent) node.damaged(fmt::format("axis {} of {}", axis, rank));
  return axis < 0 ? axis + extent : axis;
}

}  // namespace sooner
