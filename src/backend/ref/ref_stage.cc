#include "backend/ref/ref_stage.h"

#include <algorithm>
#include <cstring>

#include "backend/common/layer_norm.h"
#include "backend/common/memory_limit.h"
#include "backend/ref/kernels.h"
#include "core/error.h"
#include "graph/carry_set.h"
#include "graph/shape_inference.h"

namespace sooner {
namespace {

// Every weight is used once per output pixel of its channel.
int64_t macs_of(const Node& node, const Weights& weights, const Shape& dst) {
  if (node.op != OpKind::kConv2d && node.op != OpKind::kLinear) return 0;
  const auto weight_count = static_cast<int64_t>(weights.get(node.name + ".weight").size());
  return node.op == OpKind::kLinear ? weight_count : weight_count * dst[1] * dst[2];
}

}  // namespace

RefNetwork::RefNetwork(const Graph& network, const TensorMap& tensors, int32_t largest_batch)
    : graph(network), shapes(infer_shapes(graph)), weights(graph, tensors), batch_max(largest_batch) {}

RefStage::RefStage(std::shared_ptr<const RefNetwork> network, size_t index)
    : network_(std::move(network)), exit_(network_->graph.stages[index].exit) {
  const Graph& graph = network_->graph;
  const std::vector<NodeId> in = index == 0 ? std::vector<NodeId>{0} : carry_set(graph, index - 1);
  const std::vector<NodeId> out = carry_set(graph, index);
  for (const NodeId id : in) {
    read_from_[id] = {Where::kSrc, carry_in_.size(), 0};
    carry_in_.push_back({id, elements(id) * sizeof(float)});
  }
  for (const NodeId id : out) {
    if (read_from_.contains(id)) {
      copied_[id] = carry_out_.size();
    } else {
      read_from_[id] = {Where::kDst, carry_out_.size(), 0};
    }
    carry_out_.push_back({id, elements(id) * sizeof(float)});
  }
  add_node_steps(graph.stages[index].trunk, false);
  add_copies();
  // What a later head reads is computed whatever the policy, and carried.
  const auto carried = std::find(out.begin(), out.end(), exit_.logits);
  read_from_[exit_.logits] = {Where::kLogits, 0, 0};
  const bool skippable = carried == out.end();
  add_node_steps(exit_.head, skippable);
  if (!skippable) {
    copied_ = {{exit_.logits, static_cast<size_t>(carried - out.begin())}};
    add_copies();
  }
  if (exit_.gate) {
    gate_ = std::make_unique<GateUnit>(graph, index, network_->weights);
    steps_.push_back({fmt::format("exits.{}.gate", index), OpKind::kLinear, {}, gate_->macs(), skippable});
    step_nodes_.push_back(-1);
    step_parameters_.push_back({});
  }
  expect_memory("ref", static_cast<double>(scratch_bytes_));
}

size_t RefStage::elements(NodeId id) const {
  return static_cast<size_t>(element_count(network_->shapes[static_cast<size_t>(id)]));
}

void RefStage::add_node_steps(const std::vector<NodeId>& nodes, bool head) {
  for (const NodeId id : nodes) {
    const Node& node = network_->graph.node(id);
    if (node.op == OpKind::kInput) continue;
    if (!read_from_.contains(id)) {
      read_from_[id] = {Where::kScratch, 0, scratch_bytes_};
      scratch_bytes_ += elements(id) * sizeof(float) * static_cast<size_t>(network_->batch_max);
    }
    const int64_t macs = macs_of(node, network_->weights, network_->shapes[static_cast<size_t>(id)]);
    steps_.push_back({node.name, node.op, {id}, macs, head});
    step_nodes_.push_back(id);
    step_parameters_.push_back(parameters_of(node));
  }
}

RefStage::Parameters RefStage::parameters_of(const Node& node) const {
  const Weights& weights = network_->weights;
  Parameters p{weights.get_or_empty(node.name + ".weight"), weights.get_or_empty(node.name + ".bias"),
               weights.get_or_empty(node.name + ".running_mean"), weights.get_or_empty(node.name + ".running_var")};
  if (node.op == OpKind::kMaxPool) p.alpha = 1;
  if (node.op == OpKind::kMixedPool) p.alpha = weights.get(node.name + ".alpha")[0];
  return p;
}

void RefStage::add_copies() {
  for (const auto& [id, index] : copied_) {
    steps_.push_back({network_->graph.node(id).name, network_->graph.node(id).op, {}, 0, false});
    step_nodes_.push_back(id);
    step_parameters_.push_back({});
  }
}

std::span<const float> RefStage::read(NodeId id, const StageBatch& batch, std::span<std::byte> scratch,
                                      size_t row) const {
  const Place& place = read_from_.at(id);
  if (place.where != Where::kSrc) return write(id, batch, scratch, row);
  return {reinterpret_cast<const float*>(batch.src[place.index]) + row * elements(id), elements(id)};
}

std::span<float> RefStage::write(NodeId id, const StageBatch& batch, std::span<std::byte> scratch, size_t row) const {
  const Place& place = read_from_.at(id);
  float* base = place.where == Where::kLogits ? batch.logits
                : place.where == Where::kDst  ? reinterpret_cast<float*>(batch.dst[place.index])
                                              : reinterpret_cast<float*>(scratch.data() + place.offset);
  return {base + row * elements(id), elements(id)};
}

void RefStage::run_step(size_t index, const StageBatch& batch, StageContext& context) const {
  const std::span<std::byte> scratch = context.scratch;
  SOONER_ASSERT(batch.n >= 1 && batch.n <= network_->batch_max && scratch.size() >= scratch_bytes_);
  const NodeId id = step_nodes_[index];
  for (size_t row = 0; row < static_cast<size_t>(batch.n); ++row) {
    if (id < 0) {
      batch.gate_logits[row] = gate_->logit(read(exit_.features, batch, scratch, row),
                                            std::span<const float>(write(exit_.logits, batch, scratch, row)));
      continue;
    }
    if (steps_[index].nodes.empty()) {
      const std::span<const float> src = read(id, batch, scratch, row);
      std::memcpy(batch.dst[copied_.at(id)] + row * src.size_bytes(), src.data(), src.size_bytes());
      continue;
    }
    const Node& node = network_->graph.node(id);
    if (node.op == OpKind::kConcat) {
      std::span<float> rest = write(id, batch, scratch, row);
      for (const NodeId input : node.inputs) {
        std::ranges::copy(read(input, batch, scratch, row), rest.begin());
        rest = rest.subspan(elements(input));
      }
      continue;
    }
    const std::span<const float> a = read(node.inputs[0], batch, scratch, row);
    const std::span<const float> b = node.inputs.size() > 1 ? read(node.inputs[1], batch, scratch, row) : a;
    run_node(node, step_parameters_[index], a, b, id, write(id, batch, scratch, row));
  }
}

std::vector<float> RefStage::read_result(size_t index, const StageBatch& batch, const StageContext& context) const {
  const std::span<std::byte> scratch = context.scratch;
  const NodeId id = step_nodes_[index];
  SOONER_ASSERT(id >= 0);
  const std::span<const float> first = read(id, batch, scratch, 0);
  return {first.data(), first.data() + first.size() * static_cast<size_t>(batch.n)};
}

void RefStage::run_node(const Node& node, const Parameters& p, std::span<const float> a, std::span<const float> b,
                        NodeId id, std::span<float> dst) const {
  const Shape& src_shape = network_->shapes[static_cast<size_t>(node.inputs[0])];
  const Shape& dst_shape = network_->shapes[static_cast<size_t>(id)];
  switch (node.op) {
    case OpKind::kConv2d:
      return ref::conv2d(std::get<Conv2dAttributes>(node.attributes), src_shape, a, p.weight, p.bias, dst_shape, dst);
    case OpKind::kLinear:
      return ref::linear(a, p.weight, p.bias, dst);
    case OpKind::kBatchNorm:
      return ref::batch_norm(
          src_shape, a,
          {p.weight, p.bias, p.running_mean, p.running_var, std::get<BatchNormAttributes>(node.attributes).epsilon},
          dst);
    case OpKind::kRelu:
      return ref::relu(a, dst);
    case OpKind::kMaxPool:
    case OpKind::kAvgPool:
    case OpKind::kMixedPool:
      return ref::pool(std::get<PoolAttributes>(node.attributes), p.alpha, src_shape, a, dst_shape, dst);
    case OpKind::kGlobalAvgPool:
      return ref::global_avg_pool(src_shape, a, dst);
    case OpKind::kAdd:
      return ref::add(a, b, dst);
    case OpKind::kFlatten:
      std::copy(a.begin(), a.end(), dst.begin());
      return;
    case OpKind::kLayerNorm:
      return layer_norm(a, std::get<LayerNormAttributes>(node.attributes).epsilon, dst);
    case OpKind::kClip: {
      const auto& c = std::get<ClipAttributes>(node.attributes);
      return ref::clip(a, c.low, c.high, dst);
    }
    case OpKind::kHardSwish:
      return ref::hard_swish(a, dst);
    case OpKind::kLeakyRelu:
      return ref::leaky_relu(a, std::get<LeakyReluAttributes>(node.attributes).slope, dst);
    case OpKind::kSigmoid:
      return ref::sigmoid(a, dst);
    case OpKind::kHardSigmoid:
      return ref::hard_sigmoid(std::get<HardSigmoidAttributes>(node.attributes), a, dst);
    case OpKind::kGelu:
      return ref::gelu(std::get<GeluAttributes>(node.attributes), a, dst);
    case OpKind::kMul:
      return ref::mul(a, b, dst);
    case OpKind::kPad:
      return ref::pad(std::get<PadAttributes>(node.attributes), src_shape, a, dst_shape, dst);
    case OpKind::kSlice: {
      const size_t pixels = a.size() / static_cast<size_t>(src_shape[0]);
      const auto begin = static_cast<size_t>(std::get<SliceAttributes>(node.attributes).begin) * pixels;
      std::ranges::copy(a.subspan(begin, dst.size()), dst.begin());
      return;
    }
    case OpKind::kChannelShuffle:
      return ref::channel_shuffle(std::get<ChannelShuffleAttributes>(node.attributes), src_shape, a, dst);
    case OpKind::kLocalResponseNorm:
      return ref::local_response_norm(std::get<LocalResponseNormAttributes>(node.attributes), src_shape, a, dst);
    case OpKind::kConcat:
    case OpKind::kInput:
      SOONER_ASSERT(false);
  }
}

}  // namespace sooner
