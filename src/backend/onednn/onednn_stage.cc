#include "backend/onednn/onednn_stage.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "backend/common/memory_limit.h"
#include "backend/onednn/memory_plan.h"

namespace sooner::onednn {
namespace {

bool is_map(const Shape& shape) { return shape.size() == 3; }

// What one pass over a stage may touch. Half of the second-level cache: the rest is for weights.
size_t cache_budget() {
  const long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
  return (bytes > 0 ? static_cast<size_t>(bytes) : size_t{1} << 20U) / 2;
}

struct Folded {
  std::vector<float> scale, shift;  // [C]: y = x * scale + shift
};

// A batch norm as one multiplication and one addition.
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

}  // namespace

struct OnednnStage::Context : StageContext {
  dnnl::stream stream{cpu_engine()};
  std::vector<std::unique_ptr<Convolution::Arguments>> arguments;  // by step; null for other kinds
};

std::unique_ptr<StageContext> OnednnStage::make_context() const {
  return guarded("execution context", [&] {
    auto context = std::make_unique<Context>();
    for (const Step& step : steps_) {
      context->arguments.push_back(step.convolution ? step.convolution->make_arguments() : nullptr);
    }
    return context;
  });
}

OnednnStage::OnednnStage(const StageSetup& setup, size_t index)
    : batch_max_(setup.options.batch_max),
      classes_(static_cast<size_t>(setup.graph.classes)),
      precision_(setup.options.precision) {
  std::vector<PlannedStep> plan = plan_stage(setup.graph, setup.shapes, index);
  if (setup.graph.stages[index].exit.gate) gate_.emplace(setup.graph, index, setup.weights);
  place_values(setup, index, plan);
  for (const PlannedStep& planned : plan) add_step(setup, index, planned);
  size_t library_bytes = 0;
  for (const Step& step : steps_) {
    if (step.convolution) library_bytes = std::max(library_bytes, step.convolution->scratch_bytes());
  }
  library_offset_ = scratch_bytes_;
  scratch_bytes_ += library_bytes;
}

OnednnStage::~OnednnStage() = default;

void OnednnStage::place_values(const StageSetup& setup, size_t index, const std::vector<PlannedStep>& plan) {
  const auto place_of = [&](NodeId id, Where where, size_t at) {
    const Shape& shape = setup.shapes[static_cast<size_t>(id)];
    const bool is_half = precision_ == Precision::kBF16 && is_map(shape);
    return Place{where, at, static_cast<size_t>(element_count(shape)) * (is_half ? 2 : 4), is_half};
  };
  if (index == 0) {
    carry_in_.push_back({0, static_cast<size_t>(element_count(setup.shapes[0])) * sizeof(float)});
  } else {
    for (const NodeId id : carry_set(setup.graph, index - 1)) {
      places_[id] = place_of(id, Where::kSrc, carry_in_.size());
      carry_in_.push_back({id, places_[id].row_bytes});
    }
  }
  for (const NodeId id : carry_set(setup.graph, index)) {
    const Place place = place_of(id, Where::kDst, carry_out_.size());
    places_.emplace(id, place);  // a value that only passes through is read where it came from
    carry_out_.push_back({id, place.row_bytes});
  }
  const NodeId logits = setup.graph.stages[index].exit.logits;
  places_[logits] = place_of(logits, Where::kLogits, 0);
  // Planes with one channel are channels last already.
  if (index == 0 && setup.shapes[0][0] == 1 && precision_ == Precision::kF32 && !places_.contains(0)) {
    places_[0] = place_of(0, Where::kSrc, 0);
  }

  // What is left lies in scratch, from the step that writes it to the last that reads it.
  std::map<NodeId, Lifetime> lives;
  for (size_t i = 0; i < plan.size(); ++i) {
    if (plan[i].dst >= 0 && !places_.contains(plan[i].dst)) {
      lives[plan[i].dst] = {i, i, 0};
    }
    for (const NodeId id : {plan[i].src, plan[i].src2}) {
      if (lives.contains(id)) lives[id].last_step = i;
    }
  }
  // A residual that nobody reads afterwards is summed up in place: it is born where the sum will lie.
  std::map<NodeId, NodeId> lies_with;
  const auto root = [&](NodeId id) {
    while (lies_with.contains(id)) id = lies_with[id];
    return id;
  };
  for (size_t i = plan.size(); i-- > 0;) {
    const PlannedStep& step = plan[i];
    if (step.kind != StepKind::kConvolution || step.src2 < 0 || step.src2 == step.src) continue;
    const auto residual = lives.find(step.src2);
    if (residual == lives.end() || residual->second.last_step != i) continue;
    lies_with[step.src2] = step.dst;
  }
  std::vector<NodeId> owners;
  std::vector<Lifetime> lifetimes;
  for (const auto& [id, life] : lives) {
    const NodeId owner = root(id);
    if (!lives.contains(owner)) continue;  // a carried value
    auto at = std::find(owners.begin(), owners.end(), owner);
    if (at == owners.end()) {
      owners.push_back(owner);
      lifetimes.push_back({life.first_step, life.last_step,
                           place_of(owner, Where::kScratch, 0).row_bytes * static_cast<size_t>(batch_max_)});
      continue;
    }
    Lifetime& whole = lifetimes[static_cast<size_t>(at - owners.begin())];
    whole.first_step = std::min(whole.first_step, life.first_step);
    whole.last_step = std::max(whole.last_step, life.last_step);
  }
  const MemoryPlan memory = plan_memory(lifetimes);
  for (size_t i = 0; i < owners.size(); ++i)
    places_[owners[i]] = place_of(owners[i], Where::kScratch, memory.offsets[i]);
  for (const auto& [id, life] : lives) places_[id] = places_.at(root(id));
  scratch_bytes_ = memory.bytes;
  expect_memory("onednn", static_cast<double>(scratch_bytes_));
  size_t row_bytes = memory.bytes / static_cast<size_t>(batch_max_);
  for (const CarryTensor& tensor : carry_in_) row_bytes += tensor.row_bytes;
  for (const CarryTensor& tensor : carry_out_) row_bytes += tensor.row_bytes;
  rows_at_once_ = static_cast<int32_t>(std::clamp<size_t>(cache_budget() / row_bytes, 1, 1 << 20));
  if (gate_ && !gate_->feature_weights().empty()) {
    gate_dots_offset_ = scratch_bytes_;
    const size_t bytes = static_cast<size_t>(batch_max_) * (classes_ + 1) * sizeof(float);
    scratch_bytes_ += (bytes + AlignedBuffer::kAlignment - 1) / AlignedBuffer::kAlignment * AlignedBuffer::kAlignment;
  }
}

void OnednnStage::add_step(const StageSetup& setup, size_t index, const PlannedStep& planned) {
  StepInfo info;
  info.nodes = planned.nodes;
  info.head = planned.head;
  Step step;
  step.kind = planned.kind;
  step.relu = planned.relu;
  if (planned.kind == StepKind::kGate) {
    info.name = fmt::format("exits.{}.gate", index);
    info.op = OpKind::kLinear;
    // The features' share runs, and is counted, with the linear layer that gives the logits.
    info.macs = static_cast<int64_t>(gate_->score_weights().size());
    infos_.push_back(std::move(info));
    steps_.push_back(std::move(step));
    return;
  }
  const NodeId first = planned.nodes.empty() ? planned.src : planned.nodes[0];
  info.name = setup.graph.node(first).name;
  info.op = setup.graph.node(first).op;
  const Shape& src_shape = setup.shapes[static_cast<size_t>(planned.src)];
  step.channels = static_cast<size_t>(src_shape[0]);
  step.pixels = static_cast<size_t>(element_count(src_shape)) / step.channels;
  if (planned.kind == StepKind::kFromPlanes) {
    if (places_.at(0).where == Where::kSrc) return;  // nothing to do
    step.src = {Where::kSrc, 0, carry_in_[0].row_bytes, false};
  } else {
    step.src = places_.at(planned.src);
  }
  if (planned.src2 >= 0) step.src2 = places_.at(planned.src2);
  step.dst = places_.at(planned.dst);
  switch (planned.kind) {
    case StepKind::kCopy:
      // Read from where it came, written to where it goes.
      for (size_t t = 0; t < carry_out_.size(); ++t) {
        if (carry_out_[t].node == planned.src) step.dst = {Where::kDst, t, step.src.row_bytes, step.src.is_half};
      }
      break;
    case StepKind::kConvolution:
      step.convolution = std::make_unique<const Convolution>(convolution_setup(setup, planned));
      step.copies_residual =
          planned.src2 >= 0 && (step.src2.where != step.dst.where || step.src2.index != step.dst.index);
      info.macs = step.convolution->macs();
      break;
    case StepKind::kScaleShift: {
      Folded folded = fold(setup.graph.node(planned.nodes[0]), setup.weights);
      step.scale = std::move(folded.scale);
      step.shift = std::move(folded.shift);
      break;
    }
    case StepKind::kPool:
      step.pool = pool_arguments(setup, planned);
      break;
    case StepKind::kLinear:
      add_linear(setup, index, planned, step, info);
      break;
    default:
      break;
  }
  infos_.push_back(std::move(info));
  steps_.push_back(std::move(step));
}

void OnednnStage::add_linear(const StageSetup& setup, size_t index, const PlannedStep& planned, Step& step,
                             StepInfo& info) {
  const Node& node = setup.graph.node(planned.nodes[0]);
  const Shape& src = setup.shapes[static_cast<size_t>(planned.src)];
  std::span<const float> extra;
  if (gate_ && planned.nodes[0] == setup.graph.stages[index].exit.logits) extra = gate_->feature_weights();
  step.feeds_gate = !extra.empty();
  step.linear = pack_linear(setup.weights.get(node.name + ".weight"), setup.weights.get_or_empty(node.name + ".bias"),
                            static_cast<size_t>(element_count(src)), extra,
                            planned.permuted_src ? std::optional<Shape>(src) : std::nullopt);
  info.macs = static_cast<int64_t>(step.linear->inputs * step.linear->outputs);
}

const std::byte* OnednnStage::read(const Place& place, const StageBatch& batch, std::span<std::byte> scratch) const {
  return place.where == Where::kSrc ? batch.src[place.index] : write(place, batch, scratch);
}

std::byte* OnednnStage::write(const Place& place, const StageBatch& batch, std::span<std::byte> scratch) const {
  if (place.where == Where::kLogits) return reinterpret_cast<std::byte*>(batch.logits);
  return place.where == Where::kDst ? batch.dst[place.index] : scratch.data() + place.index;
}

void OnednnStage::run_step(size_t index, const StageBatch& batch, StageContext& context) const {
  const std::span<std::byte> scratch = context.scratch;
  SOONER_ASSERT(batch.n >= 1 && batch.n <= batch_max_ && scratch.size() >= scratch_bytes_);
  const Step& step = steps_[index];
  const auto n = static_cast<size_t>(batch.n);
  if (step.kind == StepKind::kGate) return run_gate(batch, scratch);
  if (step.kind == StepKind::kLinear) return run_linear(step, batch, scratch);
  const std::byte* src = read(step.src, batch, scratch);
  std::byte* dst = write(step.dst, batch, scratch);
  const KernelTable& table = kernel_table();
  const ElementKernels& kernels = step.src.is_half ? table.bf16 : table.f32;
  const MapArguments map{src, dst, n, step.pixels, step.channels};
  ElementwiseArguments elements{
      src,           nullptr,  step.scale.data(), step.shift.data(), dst, n * step.channels * step.pixels,
      step.channels, step.relu};
  switch (step.kind) {
    case StepKind::kFromPlanes:
      (step.dst.is_half ? table.bf16 : table.f32).from_planes(map);
      break;
    case StepKind::kCopy:
      std::memcpy(dst, src, n * step.src.row_bytes);
      break;
    case StepKind::kConvolution: {
      if (step.copies_residual) std::memcpy(dst, read(step.src2, batch, scratch), n * step.dst.row_bytes);
      const OneThread one_thread;
      auto& own = static_cast<Context&>(context);
      step.convolution->run(batch.n, src, dst, scratch.data() + library_offset_, own.stream, *own.arguments[index]);
      break;
    }
    case StepKind::kPool: {
      PoolArguments pool = step.pool;
      pool.src = src;
      pool.dst = dst;
      pool.n = n;
      kernels.pool(pool);
      break;
    }
    case StepKind::kMean:
      kernels.mean(map);
      break;
    case StepKind::kScaleShift:
      kernels.scale_shift(elements);
      break;
    case StepKind::kRelu:
      kernels.relu(elements);
      break;
    case StepKind::kAdd:
      elements.b = read(step.src2, batch, scratch);
      kernels.add(elements);
      break;
    case StepKind::kFlatten:
      kernels.to_planes(map);
      break;
    case StepKind::kLinear:
    case StepKind::kGate:
      break;
  }
}

void OnednnStage::run_linear(const Step& step, const StageBatch& batch, std::span<std::byte> scratch) const {
  const auto n = static_cast<size_t>(batch.n);
  const KernelTable& table = kernel_table();
  LinearArguments a;
  a.src = read(step.src, batch, scratch);
  a.weight = step.linear->weight.as<float>();
  a.bias = step.linear->bias.as<float>();
  a.dst =
      reinterpret_cast<float*>(step.feeds_gate ? scratch.data() + gate_dots_offset_ : write(step.dst, batch, scratch));
  a.n = n;
  a.inputs = step.linear->inputs;
  a.outputs = step.linear->outputs;
  a.relu = step.relu;
  (step.src.is_half ? table.bf16 : table.f32).linear(a);
  if (!step.feeds_gate) return;
  for (size_t row = 0; row < n; ++row) std::copy_n(a.dst + row * a.outputs, classes_, batch.logits + row * classes_);
}

void OnednnStage::run_gate(const StageBatch& batch, std::span<std::byte> scratch) const {
  const auto* dots = reinterpret_cast<const float*>(scratch.data() + gate_dots_offset_);
  for (size_t row = 0; row < static_cast<size_t>(batch.n); ++row) {
    const double dot = gate_->feature_weights().empty() ? 0 : dots[row * (classes_ + 1) + classes_];
    batch.gate_logits[row] = gate_->logit_from_sum(dot, std::span(batch.logits + row * classes_, classes_));
  }
}

}  // namespace sooner::onednn
