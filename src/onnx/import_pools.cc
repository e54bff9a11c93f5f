// Pooling over windows, and over all rows and columns.
#include <algorithm>
#include <array>

#include "onnx/import_operation.h"
#include "onnx/import_window.h"

namespace sooner {
namespace {

bool same_windows(const Shape& src, const PoolAttributes& a, const Shape& wanted) {
  const auto count = [&](int64_t in, int64_t kernel, int64_t stride, int64_t pad) {
    const int64_t room = in + 2 * pad - kernel + (a.ceil_mode ? stride - 1 : 0);
    if (room < 0) return int64_t{0};
    const int64_t out = room / stride + 1;
    return a.ceil_mode && (out - 1) * stride >= in + pad ? out - 1 : out;
  };
  return count(src[1], a.kernel_h, a.stride_h, a.pad_h) == wanted[0] &&
         count(src[2], a.kernel_w, a.stride_w, a.pad_w) == wanted[1];
}

// A pool here pads its end as its beginning, or as far as rounding up goes. Windows begin at the same places, so with
// as many of them the result is the same: what lies beyond the input never counts.
void read_pool(Importer& importer, OnnxNode& node, OpKind op) {
  const Activation value = importer.activation(node, 0);
  const NodeId src = importer.as_map(node, value);
  const Shape map = importer.shape(src);
  const ImportWindow window = read_window(node, {map[1], map[2]});
  const bool ceil_mode = node.integer("ceil_mode", 0) != 0;
  if (window.dilations != std::vector<int64_t>{1, 1})
    node.unsupported("has windows with gaps, expected dilations of 1");
  const bool counts_padding = op == OpKind::kAvgPool && node.integer("count_include_pad", 0) != 0;
  const Shape wanted{window_count(window, {map[1], map[2]}, 0, ceil_mode),
                     window_count(window, {map[1], map[2]}, 1, ceil_mode)};
  PoolAttributes a;
  a.kernel_h = window.kernel[0];
  a.kernel_w = window.kernel[1];
  a.stride_h = window.strides[0];
  a.stride_w = window.strides[1];
  a.pad_h = window.begin[0];
  a.pad_w = window.begin[1];
  a.count_include_pad = counts_padding;
  const bool even = window.begin == window.end;
  if (counts_padding && !even) node.unsupported("counts a padding that differs at both ends; write a Pad before it");
  a.ceil_mode = ceil_mode;
  if (!(even && same_windows(map, a, wanted))) {
    a.ceil_mode = false;
    if (!same_windows(map, a, wanted)) a.ceil_mode = true;
    if (!same_windows(map, a, wanted)) {
      node.unsupported(fmt::format("pads {},{} before and {},{} behind, which no pool here does; write a Pad before it",
                                   window.begin[0], window.begin[1], window.end[0], window.end[1]));
    }
  }
  const std::string name = importer.name_for(node);
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

constexpr std::array<ImportOperation, 5> kOperations{{{"AveragePool", read_average_pool},
                                                      {"GlobalAveragePool", read_global_average},
                                                      {"GlobalMaxPool", read_global_max},
                                                      {"MaxPool", read_max_pool},
                                                      {"ReduceMean", read_reduce_mean}}};

}  // namespace

std::span<const ImportOperation> pool_operations() { return kOperations; }

}  // namespace sooner
