#include "graph/shape_inference.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace sooner {
namespace {

[[noreturn]] void bad(const Node& node, std::string_view what) {
  fail(Code::kInvalidArgument, "[graph] node '{}' ({}): {}", node.name, to_string(node.op), what);
}

void need_map(const Node& node, const Shape& shape) {
  if (shape.size() != 3) {
    fail(Code::kInvalidArgument, "[graph] node '{}' ({}) got shape {}, expected channels x rows x columns", node.name,
         to_string(node.op), to_string(shape));
  }
}

constexpr int64_t kLargest = 1 << 20;

// Products in floating point: the factors are bounded, their product need not be.
double product(const Shape& shape) {
  double result = 1;
  for (const int64_t extent : shape) result *= static_cast<double>(extent);
  return result;
}

// `weight` is [outputs, inputs of one output value…].
void need_sane_size(const Node& node, const Shape& weight, const Shape& dst) {
  const double macs = product(dst) * product(weight) / static_cast<double>(weight[0]);
  if (product(weight) > static_cast<double>(kMaxElements) || macs > static_cast<double>(kMaxNodeMacs)) {
    fail(Code::kInvalidArgument,
         "[graph] node '{}' ({}): weights {} for an output of {} exceed 2^31 weights or 2^42 MACs", node.name,
         to_string(node.op), to_string(weight), to_string(dst));
  }
}

bool in_range(int64_t value, int64_t low) { return value >= low && value <= kLargest; }

int64_t conv_extent(int64_t in, int64_t pad, int64_t kernel, int64_t stride, int64_t dilation) {
  const int64_t span = dilation * (kernel - 1) + 1;
  return in + pad < span ? 0 : (in + pad - span) / stride + 1;
}

int64_t pool_extent(int64_t in, int64_t pad, int64_t end_pad, int64_t kernel, int64_t stride, bool ceil_mode) {
  const int64_t room = in + pad + end_pad - kernel + (ceil_mode ? stride - 1 : 0);
  if (room < 0) return 0;
  int64_t out = room / stride + 1;
  if (ceil_mode && (out - 1) * stride >= in + pad) --out;
  return out;
}

Shape conv_shape(const Node& node, const Shape& src) {
  need_map(node, src);
  const auto* a = std::get_if<Conv2dAttributes>(&node.attributes);
  if (a == nullptr) bad(node, "has no convolution attributes");
  if (!in_range(a->out_channels, 1) || !in_range(a->kernel_h, 1) || !in_range(a->kernel_w, 1) ||
      !in_range(a->stride_h, 1) || !in_range(a->stride_w, 1) || !in_range(a->dilation_h, 1) ||
      !in_range(a->dilation_w, 1) || !in_range(a->groups, 1) || !in_range(a->pad_top, 0) || !in_range(a->pad_left, 0) ||
      !in_range(a->pad_bottom, 0) || !in_range(a->pad_right, 0)) {
    bad(node, "an attribute is out of range (1 to 2^20; padding from 0)");
  }
  if (src[0] % a->groups != 0 || a->out_channels % a->groups != 0) {
    bad(node,
        fmt::format("{} groups do not divide {} input and {} output channels", a->groups, src[0], a->out_channels));
  }
  const int64_t h = conv_extent(src[1], a->pad_top + a->pad_bottom, a->kernel_h, a->stride_h, a->dilation_h);
  const int64_t w = conv_extent(src[2], a->pad_left + a->pad_right, a->kernel_w, a->stride_w, a->dilation_w);
  if (h < 1 || w < 1) bad(node, fmt::format("its kernel does not fit into {}", to_string(src)));
  const Shape dst{a->out_channels, h, w};
  need_sane_size(node, {a->out_channels, src[0] / a->groups, a->kernel_h, a->kernel_w}, dst);
  return dst;
}

Shape pool_shape(const Node& node, const Shape& src) {
  need_map(node, src);
  const auto* a = std::get_if<PoolAttributes>(&node.attributes);
  if (a == nullptr) bad(node, "has no pooling attributes");
  if (!in_range(a->kernel_h, 1) || !in_range(a->kernel_w, 1) || !in_range(a->stride_h, 1) ||
      !in_range(a->stride_w, 1) || !in_range(a->pad_h, 0) || !in_range(a->pad_w, 0) ||
      !in_range(a->end_pad_h.value_or(0), 0) || !in_range(a->end_pad_w.value_or(0), 0)) {
    bad(node, "an attribute is out of range (1 to 2^20; padding from 0)");
  }
  if (a->count_include_pad && (a->end_pad_h || a->end_pad_w)) bad(node, "counts a padding that differs at its ends");
  const int64_t end_h = a->end_pad_h.value_or(a->pad_h), end_w = a->end_pad_w.value_or(a->pad_w);
  const int64_t h = pool_extent(src[1], a->pad_h, end_h, a->kernel_h, a->stride_h, a->ceil_mode);
  const int64_t w = pool_extent(src[2], a->pad_w, end_w, a->kernel_w, a->stride_w, a->ceil_mode);
  if (h < 1 || w < 1) bad(node, fmt::format("its window does not fit into {}", to_string(src)));
  // The first window and the last one hold something real.
  if (a->pad_h >= a->kernel_h || a->pad_w >= a->kernel_w || (h - 1) * a->stride_h >= src[1] + a->pad_h ||
      (w - 1) * a->stride_w >= src[2] + a->pad_w) {
    bad(node, fmt::format("a window of it sees nothing but padding of {}", to_string(src)));
  }
  return {src[0], h, w};
}

void need_sane_elements(const Node& node, const Shape& dst) {
  if (product(dst) > static_cast<double>(kMaxElements)) {
    bad(node, fmt::format("one sample's value has shape {}, expected at most 2^31 elements", to_string(dst)));
  }
}

void need_inputs(const Node& node, const std::vector<Shape>& inputs) {
  if (node.op == OpKind::kConcat) {
    if (inputs.size() >= 2 && inputs.size() <= kMaxInputs) return;
    bad(node, fmt::format("has {} inputs, expected 2 to {}", inputs.size(), kMaxInputs));
  }
  const bool is_pair = node.op == OpKind::kAdd || node.op == OpKind::kMul;
  const size_t count = node.op == OpKind::kInput ? 0 : is_pair ? 2 : 1;
  if (inputs.size() != count) bad(node, fmt::format("has {} inputs, expected {}", inputs.size(), count));
}

// Channels after channels, or features after features.
Shape concat_shape(const Node& node, const std::vector<Shape>& inputs) {
  Shape dst = inputs[0];
  for (size_t i = 1; i < inputs.size(); ++i) {
    Shape like = inputs[i];
    if (like.size() == dst.size()) like[0] = dst[0];
    if (like != dst) bad(node, fmt::format("joins {} to {}", to_string(inputs[i]), to_string(inputs[0])));
    dst[0] += inputs[i][0];
  }
  return dst;
}

template <typename Kind>
const Kind& attributes_of(const Node& node) {
  const auto* attributes = std::get_if<Kind>(&node.attributes);
  if (attributes == nullptr) bad(node, "has attributes of another operation");
  return *attributes;
}

void check_clip(const Node& node) {
  const auto& a = attributes_of<ClipAttributes>(node);
  if (!(a.low <= a.high)) bad(node, fmt::format("clips to {} to {}, expected rising bounds", a.low, a.high));
}

Shape slice_shape(const Node& node, const Shape& src) {
  const auto& a = attributes_of<SliceAttributes>(node);
  if (a.begin < 0 || a.begin >= a.end || a.end > src[0]) {
    bad(node, fmt::format("takes {} to {} of {}", a.begin, a.end, to_string(src)));
  }
  Shape dst = src;
  dst[0] = a.end - a.begin;
  return dst;
}

void check_shuffle(const Node& node, const Shape& src) {
  const auto& a = attributes_of<ChannelShuffleAttributes>(node);
  if (!in_range(a.groups, 1) || src[0] % a.groups != 0) {
    bad(node, fmt::format("{} groups do not divide {} channels", a.groups, src[0]));
  }
}

void check_response_norm(const Node& node, const Shape& src) {
  need_map(node, src);
  const auto& a = attributes_of<LocalResponseNormAttributes>(node);
  const bool finite = std::isfinite(a.alpha) && std::isfinite(a.beta) && std::isfinite(a.bias);
  if (!in_range(a.size, 1) || !finite || a.alpha < 0 || a.beta < 0 || !(a.bias > 0)) {
    bad(node, "expected a size from 1 to 2^20, alpha and beta from 0, bias above 0");
  }
}

void check_leaky_relu(const Node& node) {
  const auto& a = attributes_of<LeakyReluAttributes>(node);
  if (!std::isfinite(a.slope)) bad(node, fmt::format("got slope {}, expected a finite one", a.slope));
}

void check_hard_sigmoid(const Node& node) {
  const auto& a = attributes_of<HardSigmoidAttributes>(node);
  if (!std::isfinite(a.alpha) || !std::isfinite(a.beta)) {
    bad(node, fmt::format("got alpha {} and beta {}, expected finite ones", a.alpha, a.beta));
  }
}

void check_mul(const Node& node, const Shape& a, const Shape& b) {
  const bool is_factor_of_channels = a.size() == 3 && b == Shape{a[0], 1, 1};
  if (a == b || is_factor_of_channels) return;
  bad(node,
      fmt::format("multiplies {} by {}, expected two of one shape, or a map by channels x 1 x 1, its second input",
                  to_string(a), to_string(b)));
}

Shape pad_shape(const Node& node, const Shape& src) {
  need_map(node, src);
  const auto& a = attributes_of<PadAttributes>(node);
  if (!in_range(a.top, 0) || !in_range(a.left, 0) || !in_range(a.bottom, 0) || !in_range(a.right, 0)) {
    bad(node, fmt::format("pads by {} {} {} {}, expected 0 to 2^20", a.top, a.left, a.bottom, a.right));
  }
  return {src[0], src[1] + a.top + a.bottom, src[2] + a.left + a.right};
}

}  // namespace

Shape infer_shape(const Node& node, const std::vector<Shape>& inputs) {
  need_inputs(node, inputs);
  switch (node.op) {
    case OpKind::kInput:
      bad(node, "takes its shape from the graph");
    case OpKind::kConv2d:
      return conv_shape(node, inputs[0]);
    case OpKind::kLinear: {
      const auto* a = std::get_if<LinearAttributes>(&node.attributes);
      if (a == nullptr || !in_range(a->out_features, 1)) bad(node, "out_features is out of range (1 to 2^20)");
      if (inputs[0].size() != 1) bad(node, fmt::format("got shape {}, expected a flat vector", to_string(inputs[0])));
      need_sane_size(node, {a->out_features, inputs[0][0]}, {a->out_features});
      return {a->out_features};
    }
    case OpKind::kBatchNorm: {
      const auto* a = std::get_if<BatchNormAttributes>(&node.attributes);
      if (a == nullptr || !(a->epsilon > 0) || !(a->momentum >= 0 && a->momentum <= 1)) {
        bad(node, "epsilon must be positive and momentum within [0, 1]");
      }
      need_map(node, inputs[0]);
      return inputs[0];
    }
    case OpKind::kRelu:
      return inputs[0];
    case OpKind::kMaxPool:
    case OpKind::kAvgPool:
    case OpKind::kMixedPool:
      return pool_shape(node, inputs[0]);
    case OpKind::kGlobalAvgPool:
      need_map(node, inputs[0]);
      return {inputs[0][0]};
    case OpKind::kAdd:
      if (inputs[0] != inputs[1]) {
        bad(node, fmt::format("adds {} to {}", to_string(inputs[1]), to_string(inputs[0])));
      }
      return inputs[0];
    case OpKind::kFlatten:
      return {element_count(inputs[0])};
    case OpKind::kConcat:
      return concat_shape(node, inputs);
    case OpKind::kClip:
      check_clip(node);
      return inputs[0];
    case OpKind::kHardSwish:
      return inputs[0];
    case OpKind::kSlice:
      return slice_shape(node, inputs[0]);
    case OpKind::kChannelShuffle:
      check_shuffle(node, inputs[0]);
      return inputs[0];
    case OpKind::kLocalResponseNorm:
      check_response_norm(node, inputs[0]);
      return inputs[0];
    case OpKind::kLeakyRelu:
      check_leaky_relu(node);
      return inputs[0];
    case OpKind::kSigmoid:
      return inputs[0];
    case OpKind::kHardSigmoid:
      check_hard_sigmoid(node);
      return inputs[0];
    case OpKind::kGelu:
      attributes_of<GeluAttributes>(node);
      return inputs[0];
    case OpKind::kMul:
      check_mul(node, inputs[0], inputs[1]);
      return inputs[0];
    case OpKind::kPad:
      return pad_shape(node, inputs[0]);
    case OpKind::kLayerNorm: {
      const auto* a = std::get_if<LayerNormAttributes>(&node.attributes);
      if (a == nullptr || !(a->epsilon > 0)) bad(node, "epsilon must be positive");
      if (inputs[0].size() != 1) bad(node, fmt::format("got shape {}, expected a flat vector", to_string(inputs[0])));
      return inputs[0];
    }
  }
  bad(node, "is of an unknown kind");
}

std::vector<Shape> infer_shapes(const Graph& graph) {
  std::vector<Shape> shapes;
  shapes.reserve(graph.nodes.size());
  for (size_t id = 0; id < graph.nodes.size(); ++id) {
    const Node& node = graph.nodes[id];
    if (node.op == OpKind::kInput) {
      if (!node.inputs.empty()) bad(node, "is the input and reads another node");
      shapes.push_back(graph.input_shape);
      need_sane_elements(node, shapes.back());
      continue;
    }
    std::vector<Shape> inputs;
    for (const NodeId input : node.inputs) {
      if (input < 0 || static_cast<size_t>(input) >= id) bad(node, "reads a node that does not come before it");
      inputs.push_back(shapes[static_cast<size_t>(input)]);
    }
    shapes.push_back(infer_shape(node, inputs));
    need_sane_elements(node, shapes.back());
  }
  return shapes;
}

}  // namespace sooner
