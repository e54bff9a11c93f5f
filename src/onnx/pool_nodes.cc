#include "onnx/pool_nodes.h"

#include <algorithm>

namespace sooner {
namespace {

// Rows or columns that the last window reads beyond the input's end; those it leaves over need no padding.
int64_t end_pad(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t pad) {
  return std::max<int64_t>(0, (out - 1) * stride + kernel - in - pad);
}

onnx::NodeProto& add_window(OnnxGraph& onnx, const char* op, const PoolAttributes& a, const std::vector<int64_t>& pads,
                            const std::string& src, const std::string& output) {
  onnx::NodeProto& node = onnx.node(op, {src}, {output});
  set_attribute(node, "kernel_shape", {a.kernel_h, a.kernel_w});
  set_attribute(node, "strides", {a.stride_h, a.stride_w});
  set_attribute(node, "pads", pads);
  return node;
}

std::vector<int64_t> all_pads(const PoolNodes& pool) {
  const PoolAttributes& a = pool.attributes;
  return {a.pad_h, a.pad_w, end_pad(pool.src_shape[1], pool.dst_shape[1], a.kernel_h, a.stride_h, a.pad_h),
          end_pad(pool.src_shape[2], pool.dst_shape[2], a.kernel_w, a.stride_w, a.pad_w)};
}

}  // namespace

void PoolNodes::add_max(OnnxGraph& onnx, const std::string& src, const std::string& output) const {
  add_window(onnx, "MaxPool", attributes, all_pads(*this), src, output);
}

void PoolNodes::add_average(OnnxGraph& onnx, const std::string& src, const std::string& output) const {
  const PoolAttributes& a = attributes;
  const std::vector<int64_t> pads = all_pads(*this);
  if (!a.count_include_pad) {
    add_window(onnx, "AveragePool", a, pads, src, output);
    return;
  }
  if (pads[2] <= a.pad_h && pads[3] <= a.pad_w) {
    set_attribute(add_window(onnx, "AveragePool", a, pads, src, output), "count_include_pad", int64_t{1});
    return;
  }
  // Real zeros stand for the padding that counts; what a rounded-up window reads beyond it does not count.
  const std::vector<int64_t> zeros{
      0, 0, a.pad_h, a.pad_w, 0, 0, std::min(a.pad_h, pads[2]), std::min(a.pad_w, pads[3])};
  const std::string padded = onnx.apply("Pad", {src, onnx.constant(output + ".pads", zeros)}, output + ".padded");
  add_window(onnx, "AveragePool", a, {0, 0, pads[2] - zeros[6], pads[3] - zeros[7]}, padded, output);
}

}  // namespace sooner
