// Where the windows of convolutions and pools stand, from the attributes they share in ONNX. Order: rows, columns.
#pragma once

#include <cstdint>
#include <vector>

#include "core/error.h"
#include "onnx/onnx_node.h"

namespace sooner {

struct ImportWindow {
  std::vector<int64_t> kernel, strides, dilations;
  std::vector<int64_t> begin, end;  // padding
};

// `extents` of the input; `kernel` from the weights, empty: from the attribute. Throws, naming the node, for other than
// two dimensions of place and numbers out of range.
ImportWindow read_window(OnnxNode& node, const std::vector<int64_t>& extents, const std::vector<int64_t>& kernel = {});

}  // namespace sooner
