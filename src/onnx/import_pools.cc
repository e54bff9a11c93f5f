// Pooling over windows, and over all rows and columns.
#include <algorithm>
#include <array>

#include "onnx/constant_math.h"
#include "onnx/import_operation.h"
#include "onnx/import_window.h"

namespace sooner {
namespace {

void read_pool(Importer& importer, OnnxNode& node, OpKind op) {
  NodeId src = importer.as_map(node, importer.activation(node, 0));
  const Shape map = importer.shape(src);
  const ImportWindow window = read_window(node, {map[1], map[2]});
  if (window.dilations != std::vector<int64_t>{1, 1})
    node.unsupported("has windows with gaps, expected dilations of 1");
  PoolAttributes a;
  a.kernel_h = window.kernel[0];
  a.kernel_w = window.kernel[1];
  a.stride_h = window.strides[0];
  a.stride_w = window.strides[1];
  a.pad_h = window.begin[0];
  a.pad_w = window.begin[1];
  a.ceil_mode = node.integer("ceil_mode", 0) != 0;
  a.count_include_pad = op == OpKind::kAvgPool && node.integer("count_include_pad", 0) != 0;
  const std::string name = importer.name_for(node);
  if (window.begin != window.end) {
    if (a.count_include_pad) {
      // Padding that counts is as good as zeros of the map.
      const PadAttributes zeros{window.begin[0], window.begin[1], window.end[0], window.end[1]};
      src = importer.builder().pad(importer.unique(name + ".padded"), src, zeros);
      a.pad_h = a.pad_w = 0;
      a.count_include_pad = false;
    } else {
      a.end_pad_h = window.end[0];
      a.end_pad_w = window.end[1];
    }
  }
  importer.set_node(node, op == OpKind::kMaxPool ? importer.builder().max_pool(name, src, a)
                                                 : importer.builder().avg_pool(name, src, a));
}

void read_max_pool(Importer& importer, OnnxNode& node) {
  if (node.proto().output_size() > 1 && !importer.file().readers(node.output(1)).empty()) {
    node.unsupported("gives the places of its maxima, too; expected one output");
  }
  node.ignore("storage_order");  // of those places
  read_pool(importer, node, OpKind::kMaxPool);
}

// One window over everything is a global average, which may be the answer's last step.
void read_average_pool(Importer& importer, OnnxNode& node) {
  const Activation value = importer.activation(node, 0);
  const bool whole = value.view == View::kPlain && value.extents.size() == 3 &&
                     node.integers("kernel_shape") == std::vector<int64_t>{value.extents[1], value.extents[2]} &&
                     node.integers("pads").value_or(std::vector<int64_t>(4, 0)) == std::vector<int64_t>(4, 0) &&
                     node.integers("dilations").value_or(std::vector<int64_t>(2, 1)) == std::vector<int64_t>(2, 1) &&
                     node.text("auto_pad", "NOTSET") == "NOTSET";
  if (!whole) return read_pool(importer, node, OpKind::kAvgPool);
  for (const char* each : {"strides", "ceil_mode", "count_include_pad"}) node.ignore(each);
  importer.set(node, Activation{.node = importer.as_map(node, value),
                                .extents = {value.extents[0], 1, 1},
                                .view = View::kPooled,
                                .name = Importer::wanted_name(node)});
}

void read_global_average(Importer& importer, OnnxNode& node) {
  const NodeId src = importer.as_map(node, importer.activation(node, 0));
  importer.set(node, Activation{.node = src,
                                .extents = {importer.shape(src)[0], 1, 1},
                                .view = View::kPooled,
                                .name = Importer::wanted_name(node)});
}

void read_global_max(Importer& importer, OnnxNode& node) {
  const NodeId src = importer.as_map(node, importer.activation(node, 0));
  PoolAttributes a;
  a.kernel_h = a.stride_h = importer.shape(src)[1];
  a.kernel_w = a.stride_w = importer.shape(src)[2];
  importer.set_node(node, importer.builder().max_pool(importer.name_for(node), src, a));
}

// Over rows and columns: a global average by another name.
void read_reduce_mean(Importer& importer, OnnxNode& node) {
  const Activation src = importer.activation(node, 0);
  const bool keep = node.integer("keepdims", 1) != 0;
  std::vector<int64_t> axes = node.integers("axes").value_or(std::vector<int64_t>{});
  if (node.has_input(1)) axes = importer.numbers(node, 1);
  if (axes.empty() && node.integer("noop_with_empty_axes", 0) != 0) return importer.set(node, src);
  node.ignore("noop_with_empty_axes");
  for (int64_t& axis : axes) {
    if (axis < 0) axis += static_cast<int64_t>(src.extents.size()) + 1;
  }
  std::ranges::sort(axes);
  const bool last = src.view == View::kChannelsLast;
  const bool map = src.extents.size() == 3 && (src.view == View::kPlain || last);
  if (!map || axes != (last ? std::vector<int64_t>{1, 2} : std::vector<int64_t>{2, 3})) {
    node.unsupported("reduces other axes than rows and columns; a mean over these alone is read");
  }
  Activation plain = src;
  if (last) plain = {.node = src.node, .extents = importer.shape(src.node)};
  const NodeId id = importer.as_map(node, plain);
  const int64_t channels = importer.shape(id)[0];
  Shape extents{channels};
  if (keep) extents = last ? Shape{1, 1, channels} : Shape{channels, 1, 1};
  importer.set(node,
               Activation{.node = id, .extents = extents, .view = View::kPooled, .name = Importer::wanted_name(node)});
}

// Zeros around rows and columns.
void read_pad(Importer& importer, OnnxNode& node) {
  const std::string mode = node.text("mode", "constant");
  if (mode != "constant") node.unsupported(fmt::format("pads in the mode '{}', expected zeros", OnnxFile::shown(mode)));
  std::vector<int64_t> pads = node.integers("pads").value_or(std::vector<int64_t>{});
  double value = node.number("value", 0);
  if (node.has_input(1)) pads = importer.numbers(node, 1);
  if (node.has_input(2)) {
    const Tensor filler = importer.weight(node, 2);
    value = filler.elements() == 1 ? static_cast<double>(filler.floats()[0]) : 1;
  }
  std::vector<int64_t> axes{0, 1, 2, 3};
  if (node.has_input(3)) axes = importer.numbers(node, 3);
  if (pads.size() != 2 * axes.size())
    node.unsupported(fmt::format("has {} numbers for {} axes", pads.size(), axes.size()));
  const Activation src = importer.settled(node, importer.activation(node, 0));
  std::vector<int64_t> before(4, 0), behind(4, 0);
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<size_t>(normal_axis(node, axes[i], 4));
    before[axis] = pads[i];
    behind[axis] = pads[axes.size() + i];
  }
  const bool last = src.view == View::kChannelsLast;
  const size_t rows = last ? 1 : 2, channels = last ? 3 : 1;
  const bool other = before[0] != 0 || behind[0] != 0 || before[channels] != 0 || behind[channels] != 0;
  const bool map = src.extents.size() == 3 && (last || importer.shape(src.node) == src.extents);
  if (other || !map) node.unsupported("pads other axes than the rows and columns of a map");
  const PadAttributes a{before[rows], before[rows + 1], behind[rows], behind[rows + 1]};
  if (std::min({a.top, a.left, a.bottom, a.right}) < 0)
    node.unsupported("cuts rows or columns off, expected zeros around them");
  if (a == PadAttributes{}) return importer.set(node, src);
  if (value != 0) node.unsupported(fmt::format("pads with {}, expected 0", value));
  Activation result = src;
  result.node = importer.builder().pad(importer.name_for(node), src.node, a);
  const Shape padded = importer.shape(result.node);
  result.extents = last ? Shape{padded[1], padded[2], padded[0]} : padded;
  importer.set(node, result);
}

constexpr std::array<ImportOperation, 6> kOperations{{{"AveragePool", read_average_pool},
                                                      {"GlobalAveragePool", read_global_average},
                                                      {"GlobalMaxPool", read_global_max},
                                                      {"MaxPool", read_max_pool},
                                                      {"Pad", read_pad},
                                                      {"ReduceMean", read_reduce_mean}}};

}  // namespace

std::span<const ImportOperation> pool_operations() { return kOperations; }

}  // namespace sooner
