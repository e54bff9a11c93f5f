#include "train/graph_module.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "graph/parameters.h"
#include "graph/shape_inference.h"
#include "graph/validate.h"
#include "policy/cost_weights.h"
#include "train/torch_tensors.h"
#include "zoo/initial_weights.h"

namespace sooner {
namespace {

// Where oneDNN, as LibTorch 2.13 has it, writes past its buffers for the gradient of the weights: 1x1 with a stride and
// fewer channels than a block of them (8 with AVX2, 16 with AVX-512), channels last (its issue 6035).
bool strides_over_few_channels(const Conv2dAttributes& a, int64_t channels) {
  constexpr int64_t kLargestBlock = 16;
  return a.kernel_h == 1 && a.kernel_w == 1 && (a.stride_h > 1 || a.stride_w > 1) &&
         channels / a.groups < kLargestBlock;
}

at::Tensor convolve(const at::Tensor& src, const at::Tensor& weight, const at::Tensor& bias,
                    const Conv2dAttributes& a) {
  if (strides_over_few_channels(a, src.size(1))) {
    // The same sums: what a 1x1 window steps over is left out beforehand.
    const at::Tensor padded = at::constant_pad_nd(src, {a.pad_left, a.pad_right, a.pad_top, a.pad_bottom});
    const at::Tensor met = padded.slice(2, 0, padded.size(2), a.stride_h).slice(3, 0, padded.size(3), a.stride_w);
    constexpr std::array<int64_t, 2> kOne{1, 1}, kNone{0, 0};
    return at::conv2d(met, weight, bias, kOne, kNone, kOne, a.groups);
  }
  const bool symmetric = a.pad_top == a.pad_bottom && a.pad_left == a.pad_right;
  const at::Tensor padded =
      symmetric ? src : at::constant_pad_nd(src, {a.pad_left, a.pad_right, a.pad_top, a.pad_bottom});
  const std::array<int64_t, 2> pad{symmetric ? a.pad_top : 0, symmetric ? a.pad_left : 0};
  return at::conv2d(padded, weight, bias, {a.stride_h, a.stride_w}, pad, {a.dilation_h, a.dilation_w}, a.groups);
}

// What LibTorch's own padding cannot do: more than half a window, or another at the end.
bool pads_apart(const PoolAttributes& a) {
  return a.end_pad_h || a.end_pad_w || 2 * a.pad_h > a.kernel_h || 2 * a.pad_w > a.kernel_w;
}

// `src` with `value` around it, exactly as far as the windows reach. `dst`: shape of the result.
at::Tensor padded_for(const at::Tensor& src, const PoolAttributes& a, const Shape& dst, double value) {
  const auto behind = [](int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t pad) {
    return (out - 1) * stride + kernel - in - pad;  // below 0: what is left over
  };
  return at::constant_pad_nd(src,
                             {a.pad_w, behind(src.size(3), dst[2], a.kernel_w, a.stride_w, a.pad_w), a.pad_h,
                              behind(src.size(2), dst[1], a.kernel_h, a.stride_h, a.pad_h)},
                             value);
}

at::Tensor max_pool(const at::Tensor& src, const PoolAttributes& a, const Shape& dst) {
  if (pads_apart(a)) {
    const at::Tensor padded = padded_for(src, a, dst, -std::numeric_limits<double>::infinity());
    return at::max_pool2d(padded, {a.kernel_h, a.kernel_w}, {a.stride_h, a.stride_w});
  }
  return at::max_pool2d(src, {a.kernel_h, a.kernel_w}, {a.stride_h, a.stride_w}, {a.pad_h, a.pad_w}, {1, 1},
                        a.ceil_mode);
}

at::Tensor avg_pool(const at::Tensor& src, const PoolAttributes& a, const Shape& dst) {
  if (pads_apart(a) && a.count_include_pad) {
    // Padding that counts is as good as zeros of the map.
    PoolAttributes rest = a;
    rest.pad_h = rest.pad_w = 0;
    rest.end_pad_h = rest.end_pad_w = 0;
    rest.count_include_pad = false;
    return avg_pool(at::constant_pad_nd(src, {a.pad_w, a.pad_w, a.pad_h, a.pad_h}), rest, dst);
  }
  if (pads_apart(a)) {
    const auto sums = [&](const at::Tensor& x) {
      return at::avg_pool2d(padded_for(x, a, dst, 0), {a.kernel_h, a.kernel_w}, {a.stride_h, a.stride_w});
    };
    return sums(src) / sums(at::ones_like(src.narrow(0, 0, 1).narrow(1, 0, 1)));
  }
  return at::avg_pool2d(src, {a.kernel_h, a.kernel_w}, {a.stride_h, a.stride_w}, {a.pad_h, a.pad_w}, a.ceil_mode,
                        a.count_include_pad);
}

at::Tensor shuffle_channels(const at::Tensor& src, int64_t groups) {
  const int64_t n = src.size(0), channels = src.size(1);
  return src.reshape({n, groups, channels / groups, -1}).transpose(1, 2).reshape(src.sizes());
}

// The window's sum of squares as a sum of shifted slices of the channels, zeros beyond the ends.
at::Tensor response_norm(const at::Tensor& src, const LocalResponseNormAttributes& a) {
  const at::Tensor x = src.to(at::kFloat);
  const at::Tensor padded = at::constant_pad_nd(x * x, {0, 0, 0, 0, (a.size - 1) / 2, a.size / 2});
  at::Tensor squares = padded.narrow(1, 0, x.size(1));
  for (int64_t i = 1; i < a.size; ++i) squares = squares + padded.narrow(1, i, x.size(1));
  return x / at::pow(squares * (a.alpha / static_cast<double>(a.size)) + a.bias, a.beta);
}

// Losses and gates are computed in fp32 whatever autocast says.
class NoAutocast {
 public:
  explicit NoAutocast(at::DeviceType device) : device_(device), enabled_(at::autocast::is_autocast_enabled(device)) {
    if (enabled_) at::autocast::set_autocast_enabled(device_, false);
  }
  ~NoAutocast() {
    if (enabled_) at::autocast::set_autocast_enabled(device_, true);
  }
  NoAutocast(const NoAutocast&) = delete;
  NoAutocast& operator=(const NoAutocast&) = delete;

 private:
  at::DeviceType device_;
  bool enabled_;
};

// The same value, [N, C, ...]; of its channels only the first `share` passes gradients on, or only the rest.
at::Tensor with_gradient_of(const at::Tensor& value, double share, bool first) {
  const int64_t channels = value.size(1), own = std::llround(share * static_cast<double>(channels));
  const at::Tensor head = value.narrow(1, 0, own), tail = value.narrow(1, own, channels - own);
  return first ? at::cat({head, tail.detach()}, 1) : at::cat({head.detach(), tail}, 1);
}

}  // namespace

std::string gate_shift_name(size_t exit_index) { return fmt::format("sooner.gate_shifts.{}", exit_index); }

at::Tensor gate_scores(const at::Tensor& logits) {
  const at::Tensor z = logits.detach();
  const double log_classes = std::log(static_cast<double>(z.size(1)));
  // Entropies as -sum p log p with p log p := 0 at p = 0: log_softmax stays finite for finite logits.
  const auto entropy = [&](const at::Tensor& scaled) {
    const at::Tensor log_p = at::log_softmax(scaled, 1);
    return (log_p.exp() * log_p).sum(1).neg().div(log_classes);
  };
  const at::Tensor top = std::get<0>(at::topk(at::softmax(z, 1), 2, 1));
  const at::Tensor first = top.select(1, 0);
  return at::stack({first, entropy(z), first - top.select(1, 1), entropy(2 * z)}, 1);
}

GraphModule::GraphModule(Graph graph, uint64_t seed, const GateStart& gates) : graph_(std::move(graph)) {
  validate(graph_);
  shapes_ = infer_shapes(graph_);
  places_.resize(graph_.nodes.size());
  for (size_t k = 0; k < graph_.exits(); ++k) {
    for (const NodeId id : graph_.stages[k].trunk) places_[static_cast<size_t>(id)] = {k, false};
    for (const NodeId id : graph_.stages[k].exit.head) places_[static_cast<size_t>(id)] = {k, true};
  }
  of_node_.resize(graph_.nodes.size());
  of_gate_.resize(graph_.exits());
  Shape weight;
  for (ParameterSpec& spec : sooner::parameters(graph_)) {
    if (spec.kind == ParameterKind::kWeight) weight = spec.shape;
    at::Tensor value = to_torch(initial_value(spec, weight, seed, gates.bias)).clone();
    value.requires_grad_(spec.trainable());
    auto& owner = spec.node >= 0 ? of_node_[static_cast<size_t>(spec.node)] : of_gate_[static_cast<size_t>(spec.exit)];
    owner.push_back(parameters_.size());
    parameters_.push_back({std::move(spec), std::move(value)});
  }
  for (size_t k = 0; gates.shifts && k + 1 < graph_.exits(); ++k) {
    ParameterSpec spec;
    spec.name = gate_shift_name(k);
    spec.shape = {2};
    spec.kind = ParameterKind::kGateBias;
    spec.exit = static_cast<int32_t>(k);
    shifts_.push_back(parameters_.size());
    parameters_.push_back({std::move(spec), at::zeros({2}, at::kFloat)});
  }
  learn({});
}

bool GraphModule::learns(const Place& place) const {
  const std::vector<bool>& parts = place.head ? learning_.heads : learning_.trunks;
  return parts.empty() || parts[place.stage];
}

bool GraphModule::learns(const Parameter& parameter) const {
  const ParameterSpec& spec = parameter.spec;
  if (!spec.trainable() || frozen_.contains(spec.name)) return false;
  return learns(spec.node >= 0 ? places_[static_cast<size_t>(spec.node)] : Place{static_cast<size_t>(spec.exit), true});
}

void GraphModule::learn(const LearningParts& parts) {
  learning_ = parts;
  for (Parameter& parameter : parameters_) {
    parameter.value.mutable_grad().reset();
    parameter.value.requires_grad_(learns(parameter));
  }
  const size_t nodes = graph_.nodes.size();
  settled_.assign(nodes, true);
  for (size_t id = 1; id < nodes; ++id) {
    const bool changes = !of_node_[id].empty() && learns(places_[id]);
    settled_[id] = !changes && std::ranges::all_of(graph_.nodes[id].inputs,
                                                   [&](NodeId from) { return settled_[static_cast<size_t>(from)]; });
  }
  needed_.assign(nodes, false);
  for (size_t k = 0; k < graph_.exits(); ++k) {
    if (learns(Place{k, true})) needed_[static_cast<size_t>(graph_.stages[k].exit.logits)] = true;
  }
  for (size_t id = nodes; id-- > 1;) {
    if (!needed_[id]) continue;
    for (const NodeId from : graph_.nodes[id].inputs) needed_[static_cast<size_t>(from)] = true;
  }
}

void GraphModule::freeze(const std::string& name) {
  frozen_.insert(name);
  learn(LearningParts(learning_));
}

std::vector<NodeId> GraphModule::frontier() const {
  std::vector<bool> read(graph_.nodes.size());
  for (size_t id = 1; id < graph_.nodes.size(); ++id) {
    if (!needed_[id] || settled_[id]) continue;
    for (const NodeId from : graph_.nodes[id].inputs) read[static_cast<size_t>(from)] = true;
  }
  std::vector<NodeId> values;
  for (size_t id = 0; id < read.size(); ++id) {
    if (read[id] && settled_[id]) values.push_back(static_cast<NodeId>(id));
  }
  return values;
}

void GraphModule::place(const at::Device& device, bool channels_last) {
  for (Parameter& parameter : parameters_) {
    const bool reorder = channels_last && parameter.value.dim() == 4;
    at::Tensor moved =
        parameter.value.detach().to(device, at::kFloat, /*non_blocking=*/false, /*copy=*/true,
                                    reorder ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous);
    moved.requires_grad_(learns(parameter));
    parameter.value = std::move(moved);
  }
}

const at::Tensor& GraphModule::find(NodeId node, ParameterKind kind) const {
  static const at::Tensor kNone;
  for (const size_t at : of_node_[static_cast<size_t>(node)]) {
    if (parameters_[at].spec.kind == kind) return parameters_[at].value;
  }
  return kNone;
}

at::Tensor GraphModule::run_node(const Node& node, const std::vector<at::Tensor>& values, bool training) const {
  const auto id = static_cast<NodeId>(&node - graph_.nodes.data());
  const Place& place = places_[static_cast<size_t>(id)];
  const auto src = [&](size_t i = 0) {
    const auto from = static_cast<size_t>(node.inputs[i]);
    const bool crosses = places_[from].stage < place.stage;  // out of a trunk, but for cascades
    if (learning_.detached && crosses) return values[from].detach();
    const bool enters = !places_[from].head && place.head && place.stage + 1 < graph_.exits();
    if (!training || learning_.private_share == 0 || (!crosses && !enters)) return values[from];
    return with_gradient_of(values[from], learning_.private_share, /*first=*/!crosses);
  };
  switch (node.op) {
    case OpKind::kConv2d:
      return convolve(src(), find(id, ParameterKind::kWeight), find(id, ParameterKind::kBias),
                      std::get<Conv2dAttributes>(node.attributes));
    case OpKind::kLinear:
      return at::linear(src(), find(id, ParameterKind::kWeight), find(id, ParameterKind::kBias));
    case OpKind::kBatchNorm: {
      const auto& a = std::get<BatchNormAttributes>(node.attributes);
      return at::batch_norm(src(), find(id, ParameterKind::kScale), find(id, ParameterKind::kShift),
                            find(id, ParameterKind::kRunningMean), find(id, ParameterKind::kRunningVar),
                            training && learns(place), statistics_momentum_ > 0 ? statistics_momentum_ : a.momentum,
                            a.epsilon, /*cudnn_enabled=*/true);
    }
    case OpKind::kRelu:
      return at::relu(src());
    case OpKind::kMaxPool:
      return max_pool(src(), std::get<PoolAttributes>(node.attributes), shapes_[static_cast<size_t>(id)]);
    case OpKind::kAvgPool:
      return avg_pool(src(), std::get<PoolAttributes>(node.attributes), shapes_[static_cast<size_t>(id)]);
    case OpKind::kMixedPool: {
      const auto& a = std::get<PoolAttributes>(node.attributes);
      const Shape& dst = shapes_[static_cast<size_t>(id)];
      const at::Tensor average = avg_pool(src(), a, dst);
      return average + find(id, ParameterKind::kAlpha) * (max_pool(src(), a, dst) - average);
    }
    case OpKind::kGlobalAvgPool:
      return src().mean({2, 3});
    case OpKind::kAdd:
      return src(0) + src(1);
    case OpKind::kFlatten:
      // Row-major order of [C, H, W] whatever the memory order.
      return src().flatten(1);
    case OpKind::kConcat: {
      std::vector<at::Tensor> parts;
      for (size_t i = 0; i < node.inputs.size(); ++i) parts.push_back(src(i));
      return at::cat(parts, 1);
    }
    case OpKind::kClip: {
      const auto& a = std::get<ClipAttributes>(node.attributes);
      return at::clamp(src(), a.low, a.high);
    }
    case OpKind::kHardSwish:
      return at::hardswish(src());
    case OpKind::kLeakyRelu:
      return at::leaky_relu(src(), std::get<LeakyReluAttributes>(node.attributes).slope);
    case OpKind::kSigmoid:
      return at::sigmoid(src());
    case OpKind::kHardSigmoid: {
      const auto& a = std::get<HardSigmoidAttributes>(node.attributes);
      return at::clamp(src() * a.alpha + a.beta, 0, 1);
    }
    case OpKind::kGelu:
      return at::gelu(src(), std::get<GeluAttributes>(node.attributes).tanh ? "tanh" : "none");
    case OpKind::kMul:
      return src(0) * src(1);
    case OpKind::kPad: {
      const auto& a = std::get<PadAttributes>(node.attributes);
      return at::constant_pad_nd(src(), {a.left, a.right, a.top, a.bottom});
    }
    case OpKind::kSlice: {
      const auto& a = std::get<SliceAttributes>(node.attributes);
      return src().narrow(1, a.begin, a.end - a.begin);
    }
    case OpKind::kChannelShuffle:
      return shuffle_channels(src(), std::get<ChannelShuffleAttributes>(node.attributes).groups);
    case OpKind::kLocalResponseNorm:
      return response_norm(src(), std::get<LocalResponseNormAttributes>(node.attributes));
    case OpKind::kLayerNorm: {
      const at::Tensor x = src().to(at::kFloat);
      return at::layer_norm(x, {x.size(1)}, {}, {}, std::get<LayerNormAttributes>(node.attributes).epsilon);
    }
    case OpKind::kInput:
      break;
  }
  fail(Code::kInternal, "[GraphModule] node '{}' has no forward", node.name);
}

at::Tensor GraphModule::run_gate(size_t exit_index, const at::Tensor& features, const at::Tensor& logits) const {
  at::Tensor sum;
  const auto add = [&](const at::Tensor& term) { sum = sum.defined() ? sum + term : term; };
  for (const size_t at : of_gate_[exit_index]) {
    const Parameter& parameter = parameters_[at];
    if (parameter.spec.kind == ParameterKind::kGateFeatures) add(at::mv(features.to(at::kFloat), parameter.value[0]));
    if (parameter.spec.kind == ParameterKind::kGateScores) add(at::mv(gate_scores(logits), parameter.value[0]));
    if (parameter.spec.kind == ParameterKind::kGateBias) add(parameter.value);
  }
  return sum;
}

ExitOutputs GraphModule::answer(std::vector<at::Tensor>& values, bool training) const {
  const bool from_images = values[0].defined();
  for (size_t id = 1; id < graph_.nodes.size(); ++id) {
    const bool skip = training && (!needed_[id] || (settled_[id] && !from_images));
    if (!skip) values[id] = run_node(graph_.nodes[id], values, training);
  }
  ExitOutputs outputs;
  outputs.logits.resize(graph_.exits());
  outputs.gates.resize(graph_.exits() - 1);
  for (const size_t at : shifts_) outputs.gate_shifts.push_back(parameters_[at].value);
  for (size_t k = 0; k < graph_.exits(); ++k) {
    const Exit& exit = graph_.stages[k].exit;
    const at::Tensor& logits = values[static_cast<size_t>(exit.logits)];
    if (!logits.defined()) continue;
    const NoAutocast fp32(logits.device().type());
    outputs.logits[k] = logits.to(at::kFloat);
    if (sums_ && k > 0) outputs.logits[k] = outputs.logits[k] + outputs.logits[k - 1].detach();
    // A head's last layer reads the features, so they are there.
    if (exit.gate) outputs.gates[k] = run_gate(k, values[static_cast<size_t>(exit.features)], outputs.logits[k]);
  }
  return outputs;
}

ExitOutputs GraphModule::forward(const at::Tensor& images, bool training) {
  return guard_torch("GraphModule::forward", [&] {
    std::vector<at::Tensor> values(graph_.nodes.size());
    values[0] = images;
    return answer(values, training);
  });
}

void GraphModule::measure_statistics(const at::Tensor& images, int64_t batches) {
  const at::NoGradGuard no_grad;
  statistics_momentum_ = 1 / static_cast<double>(batches + 1);
  static_cast<void>(forward(images, true));
  statistics_momentum_ = 0;
}

std::vector<at::Tensor> GraphModule::frontier_values(const at::Tensor& images) const {
  return guard_torch("GraphModule::frontier_values", [&] {
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> values(graph_.nodes.size());
    values[0] = images;
    for (size_t id = 1; id < graph_.nodes.size(); ++id) {
      if (needed_[id] && settled_[id]) values[id] = run_node(graph_.nodes[id], values, true);
    }
    std::vector<at::Tensor> cut;
    for (const NodeId id : frontier()) cut.push_back(values[static_cast<size_t>(id)]);
    return cut;
  });
}

ExitOutputs GraphModule::forward_from(std::span<const at::Tensor> frontier_values) {
  return guard_torch("GraphModule::forward_from", [&] {
    const std::vector<NodeId> ids = frontier();
    SOONER_ASSERT(ids.size() == frontier_values.size() && ids.front() != 0);
    std::vector<at::Tensor> values(graph_.nodes.size());
    for (size_t i = 0; i < ids.size(); ++i) values[static_cast<size_t>(ids[i])] = frontier_values[i];
    return answer(values, true);
  });
}

std::vector<std::vector<double>> GraphModule::gate_shifts() const {
  std::vector<std::vector<double>> shifts;
  for (const size_t at : shifts_) {
    const at::Tensor value = parameters_[at].value.detach().to(at::kCPU).clamp(-kLargestGateShift, kLargestGateShift);
    shifts.push_back({value[0].item<double>(), value[1].item<double>()});
  }
  return shifts;
}

TensorMap GraphModule::export_tensors() const {
  TensorMap tensors;
  for (const Parameter& parameter : parameters_) tensors.emplace(parameter.spec.name, from_torch(parameter.value));
  return tensors;
}

void GraphModule::import_tensors(const TensorMap& tensors) {
  const at::NoGradGuard no_grad;
  for (Parameter& parameter : parameters_) {
    const auto found = tensors.find(parameter.spec.name);
    if (found == tensors.end()) {
      fail(Code::kDataLoss, "[GraphModule] tensor '{}' is missing; these weights are of another network",
           parameter.spec.name);
    }
    if (found->second.shape() != parameter.spec.shape || found->second.dtype() != DType::kF32) {
      fail(Code::kDataLoss, "[GraphModule] tensor '{}' is {} {}, expected F32 {}; these weights are of another network",
           parameter.spec.name, to_string(found->second.dtype()), to_string(found->second.shape()),
           to_string(parameter.spec.shape));
    }
    parameter.value.copy_(to_torch(found->second));
  }
}

}  // namespace sooner
