// Windows over rows and columns as ONNX writes them.
//
// Runtimes read ONNX's ceil_mode differently at the last window, so it is never written: the output extents are known,
// and padding at the end, as much as the last window needs, gives them.
#pragma once

#include <string>
#include <vector>

#include "graph/op.h"
#include "onnx/onnx_graph.h"

namespace sooner {

struct PoolNodes {
  PoolAttributes attributes;
  Shape src_shape;  // [C, H, W]
  Shape dst_shape;

  void add_max(OnnxGraph& onnx, const std::string& src, const std::string& output) const;
  // Takes a Pad node before it where padding that counts meets a last window that reaches beyond it.
  void add_average(OnnxGraph& onnx, const std::string& src, const std::string& output) const;
};

}  // namespace sooner
