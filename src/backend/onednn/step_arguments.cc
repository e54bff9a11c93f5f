#include "backend/onednn/step_arguments.h"

#include <algorithm>
#include <cmath>

namespace sooner::onednn {

Folded fold(const Node& node, const Weights& weights) {
  const auto weight = weights.get(node.name + ".weight"), bias = weights.get(node.name + ".bias");
  const auto mean = weights.get(node.name + ".running_mean"), variance = weights.get(node.name + ".running_var");
  const double epsilon = std::get<BatchNormAttributes>(node.attributes).epsilon;
  Folded folded;
  for (size_t c = 0; c < weight.size(); ++c) {
    const double scale = weight[c] / std::sqrt(static_cast<double>(variance[c]) + epsilon);
    folded.scale.push_back(static_cast<float>(scale));
    folded.shift.push_back(static_cast<float>(bias[c] - mean[c] * scale));
  }
  return folded;
}

ConvolutionSetup convolution_setup(const StageSetup& setup, const PlannedStep& planned) {
  const Node& node = setup.graph.node(planned.nodes[0]);
  ConvolutionSetup c;
  c.name = node.name;
  c.attributes = std::get<Conv2dAttributes>(node.attributes);
  c.src_shape = setup.shapes[static_cast<size_t>(planned.src)];
  c.dst_shape = setup.shapes[static_cast<size_t>(planned.dst)];
  c.precision = setup.options.precision;
  c.adds_to_dst = planned.src2 >= 0;
  c.relu = planned.relu;
  if (planned.activation >= 0) {
    const Node& activation = setup.graph.node(planned.activation);
    c.hard_swish = activation.op == OpKind::kHardSwish;
    if (!c.hard_swish) c.clip = std::get<ClipAttributes>(activation.attributes);
  }
  c.batch_max = setup.options.batch_max;
  const auto weight = setup.weights.get(node.name + ".weight"), bias = setup.weights.get_or_empty(node.name + ".bias");
  c.weight.assign(weight.begin(), weight.end());
  c.bias.assign(bias.begin(), bias.end());
  c.bias.resize(static_cast<size_t>(c.attributes.out_channels));
  if (planned.batch_norm < 0) return c;
  const Folded folded = fold(setup.graph.node(planned.batch_norm), setup.weights);
  const size_t per_output = c.weight.size() / c.bias.size();
  for (size_t o = 0; o < c.bias.size(); ++o) {
    for (size_t i = o * per_output; i < (o + 1) * per_output; ++i) c.weight[i] *= folded.scale[o];
    c.bias[o] = c.bias[o] * folded.scale[o] + folded.shift[o];
  }
  return c;
}

PoolArguments pool_arguments(const StageSetup& setup, const PlannedStep& planned) {
  const Node& node = setup.graph.node(planned.nodes[0]);
  const auto& a = std::get<PoolAttributes>(node.attributes);
  const Shape& src = setup.shapes[static_cast<size_t>(planned.src)];
  const Shape& dst = setup.shapes[static_cast<size_t>(planned.dst)];
  PoolArguments p;
  p.channels = src[0];
  p.src_h = src[1];
  p.src_w = src[2];
  p.dst_h = dst[1];
  p.dst_w = dst[2];
  p.kernel_h = a.kernel_h;
  p.kernel_w = a.kernel_w;
  p.stride_h = a.stride_h;
  p.stride_w = a.stride_w;
  p.pad_h = a.pad_h;
  p.pad_w = a.pad_w;
  p.alpha = node.op == OpKind::kMaxPool   ? 1.0F
            : node.op == OpKind::kAvgPool ? 0.0F
                                          : setup.weights.get(node.name + ".alpha")[0];
  p.count_include_pad = a.count_include_pad;
  p.relu = planned.relu;
  return p;
}

ChannelArguments channel_arguments(const StageSetup& setup, const PlannedStep& planned) {
  const Node& node = setup.graph.node(planned.dst);
  ChannelArguments a;
  a.src_channels = static_cast<size_t>(setup.shapes[static_cast<size_t>(planned.src)][0]);
  a.dst_channels = static_cast<size_t>(setup.shapes[static_cast<size_t>(planned.dst)][0]);
  a.channels = std::min(a.src_channels, a.dst_channels);
  a.dst_offset = static_cast<size_t>(planned.dst_offset);
  if (node.op == OpKind::kSlice) a.src_offset = static_cast<size_t>(std::get<SliceAttributes>(node.attributes).begin);
  return a;
}

std::vector<uint32_t> shuffle_order(const StageSetup& setup, const PlannedStep& planned) {
  const auto& a = std::get<ChannelShuffleAttributes>(setup.graph.node(planned.dst).attributes);
  const auto channels = static_cast<uint32_t>(setup.shapes[static_cast<size_t>(planned.dst)][0]);
  const auto groups = static_cast<uint32_t>(a.groups);
  std::vector<uint32_t> order(channels);
  for (uint32_t c = 0; c < channels; ++c) order[c] = c % groups * (channels / groups) + c / groups;
  return order;
}

ElementwiseArguments elementwise_arguments(const StageSetup& setup, const PlannedStep& planned) {
  const Node& node = setup.graph.node(planned.dst);
  const Shape& src = setup.shapes[static_cast<size_t>(planned.src)];
  ElementwiseArguments e;
  e.channels = static_cast<size_t>(src[0]);
  e.relu = planned.relu;
  if (const auto* clip = std::get_if<ClipAttributes>(&node.attributes)) {
    e.low = static_cast<float>(clip->low);
    e.high = static_cast<float>(clip->high);
  }
  if (const auto* leaky = std::get_if<LeakyReluAttributes>(&node.attributes))
    e.slope = static_cast<float>(leaky->slope);
  if (const auto* sigmoid = std::get_if<HardSigmoidAttributes>(&node.attributes)) {
    e.alpha = static_cast<float>(sigmoid->alpha);
    e.beta = static_cast<float>(sigmoid->beta);
  }
  if (const auto* gelu = std::get_if<GeluAttributes>(&node.attributes)) e.tanh = gelu->tanh;
  if (node.op == OpKind::kMul && setup.shapes[static_cast<size_t>(planned.src2)] != src) {
    e.pixels = static_cast<size_t>(src[1] * src[2]);
  }
  return e;
}

PadArguments pad_arguments(const StageSetup& setup, const PlannedStep& planned) {
  const auto& a = std::get<PadAttributes>(setup.graph.node(planned.dst).attributes);
  const Shape& src = setup.shapes[static_cast<size_t>(planned.src)];
  const Shape& dst = setup.shapes[static_cast<size_t>(planned.dst)];
  PadArguments p;
  p.channels = static_cast<size_t>(src[0]);
  p.src_h = static_cast<size_t>(src[1]);
  p.src_w = static_cast<size_t>(src[2]);
  p.dst_h = static_cast<size_t>(dst[1]);
  p.dst_w = static_cast<size_t>(dst[2]);
  p.top = static_cast<size_t>(a.top);
  p.left = static_cast<size_t>(a.left);
  return p;
}

ResponseNormArguments response_norm_arguments(const StageSetup& setup, const PlannedStep& planned) {
  const auto& a = std::get<LocalResponseNormAttributes>(setup.graph.node(planned.dst).attributes);
  ResponseNormArguments norm;
  norm.channels = static_cast<size_t>(setup.shapes[static_cast<size_t>(planned.dst)][0]);
  norm.before = static_cast<size_t>((a.size - 1) / 2);
  norm.after = static_cast<size_t>(a.size / 2);
  norm.bias = static_cast<float>(a.bias);
  norm.scale = static_cast<float>(a.alpha / static_cast<double>(a.size));
  norm.beta = static_cast<float>(a.beta);
  return norm;
}

}  // namespace sooner::onednn
