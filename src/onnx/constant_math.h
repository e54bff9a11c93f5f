// Arithmetic on the constants of a file, done when it is read: numbers as tensors, extents as lists.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/error.h"
#include "onnx/import_value.h"
#include "onnx/onnx_node.h"

namespace sooner {

// Element by element, smaller extents repeated as ONNX does. Throws, naming the node, where extents do not fit.
Tensor combine(const OnnxNode& node, const Tensor& a, const Tensor& b, const std::function<float(float, float)>& rule);
Tensor map_elements(const Tensor& tensor, const std::function<float(float)>& rule);
// `order`: which old axis stands at each new one.
Tensor reorder_axes(const OnnxNode& node, const Tensor& tensor, const std::vector<int64_t>& order);

// Lists of extents. The batch's is only ever kept as it is, or multiplied or divided by one.
Integers combine(const OnnxNode& node, const Integers& a, const Integers& b, char rule);

// A list as numbers.
Tensor as_tensor(const OnnxNode& node, const Integers& list);

// A constant as it takes part in an import: numbers, or a list of integers. Throws, naming the node and `what`, for a
// table of integers.
ImportValue constant_value(const OnnxNode& node, const Tensor& constant, const std::string& what);

// Where a run that ONNX says begins or ends at `at` does, 0 to extent: it counts from the end where a number is
// negative, and goes to the end where it is too large.
int64_t run_bound(int64_t at, int64_t extent);

// 0 to rank - 1; throws, naming the node, for an axis out of range.
int64_t normal_axis(const OnnxNode& node, int64_t axis, size_t rank);

}  // namespace sooner
