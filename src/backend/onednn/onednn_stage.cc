#include "backend/onednn/onednn_stage.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "backend/common/layer_norm.h"
#include "backend/common/memory_limit.h"
#include "backend/onednn/memory_plan.h"
#include "backend/onednn/step_arguments.h"
#include "graph/carry_set.h"

namespace sooner::onednn {
namespace {

// Rows that a wide step computes at once: enough to keep oneDNN busy, few enough to stay in the cache.
constexpr int32_t kWideRows = 4;

bool is_map(const Shape& shape) { return shape.size() == 3; }

size_t aligned(size_t bytes) {
  return (bytes + AlignedBuffer::kAlignment - 1) / AlignedBuffer::kAlignment * AlignedBuffer::kAlignment;
}

MapScale scale_of(const StageSetup& setup, NodeId id) {
  const std::string& name = setup.graph.node(id).name;
  const auto found = setup.options.quantisation->scales.find(name);
  if (found == setup.options.quantisation->scales.end()) {
    fail(Code::kFailedPrecondition,
         "[onednn] the model's quantisation has no scale for the map of '{}'; run `sooner quantize` again", name);
  }
  return found->second;
}

// fp32 rows of one operand of a wide step.
size_t wide_row_bytes(size_t row_elements) { return aligned(row_elements * sizeof(float) * kWideRows); }

ByteCode byte_code(const MapScale& scale) { return {static_cast<float>(scale.scale), scale.is_signed}; }

// What one pass over a stage may touch. Half of the second-level cache: the rest is for weights.
size_t cache_budget() {
  const long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
  return (bytes > 0 ? static_cast<size_t>(bytes) : size_t{1} << 20U) / 2;
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
  size_t wide_bytes = 0;
  size_t library_bytes = 0;
  for (const Step& step : steps_) {
    if (step.convolution) library_bytes = std::max(library_bytes, step.convolution->scratch_bytes());
    if (!step.is_wide) continue;
    wide_bytes = std::max(wide_bytes, wide_row_bytes(step.src.row_elements) + wide_row_bytes(step.src2.row_elements) +
                                          wide_row_bytes(step.dst.row_elements));
  }
  wide_offset_ = scratch_bytes_;
  library_offset_ = wide_offset_ + wide_bytes;
  scratch_bytes_ = library_offset_ + library_bytes;
}

OnednnStage::~OnednnStage() = default;

// Vectors are fp32 always; the image is in int8 too: its numbers are few, and eight bits of a pixel, once preprocessed,
// do not fit eight bits again.
OnednnStage::Place OnednnStage::place_of(const StageSetup& setup, NodeId id, Where where, size_t at) {
  const Shape& shape = setup.shapes[static_cast<size_t>(id)];
  Place place;
  place.where = where;
  place.index = at;
  place.row_elements = static_cast<size_t>(element_count(shape));
  size_t element_bytes = sizeof(float);
  if (setup.options.precision == Precision::kBF16 && is_map(shape)) {
    place.storage = Storage::kBF16;
    element_bytes = 2;
  } else if (setup.options.precision == Precision::kInt8 && is_map(shape) && id != 0) {
    place.storage = Storage::kInt8;
    place.scale = scale_of(setup, id);
    element_bytes = 1;
  }
  place.row_bytes = place.row_elements * element_bytes;
  return place;
}

const ElementKernels& OnednnStage::kernels_for(Storage storage) {
  const KernelTable& table = kernel_table();
  if (storage == Storage::kInt8) return table.int8;
  return storage == Storage::kBF16 ? table.bf16 : table.f32;
}

void OnednnStage::place_values(const StageSetup& setup, size_t index, const std::vector<PlannedStep>& plan) {
  if (index == 0) {
    carry_in_.push_back({0, static_cast<size_t>(element_count(setup.shapes[0])) * sizeof(float)});
  } else {
    for (const NodeId id : carry_set(setup.graph, index - 1)) {
      places_[id] = place_of(setup, id, Where::kSrc, carry_in_.size());
      carry_in_.push_back({id, places_[id].row_bytes});
    }
  }
  for (const NodeId id : carry_set(setup.graph, index)) {
    const Place place = place_of(setup, id, Where::kDst, carry_out_.size());
    places_.emplace(id, place);  // a value that only passes through is read where it came from
    carry_out_.push_back({id, place.row_bytes});
  }
  const NodeId logits = setup.graph.stages[index].exit.logits;
  places_[logits] = place_of(setup, logits, Where::kLogits, 0);
  // Planes with one channel are channels last already.
  if (index == 0 && setup.shapes[0][0] == 1 && precision_ != Precision::kBF16 && !places_.contains(0)) {
    places_[0] = place_of(setup, 0, Where::kSrc, 0);
  }

  // What is left lies in scratch, from the step that writes it to the last that reads it.
  std::map<NodeId, Lifetime> lives;
  for (size_t i = 0; i < plan.size(); ++i) {
    if (plan[i].dst >= 0 && !places_.contains(plan[i].dst)) lives.try_emplace(plan[i].dst, Lifetime{i, i, 0});
    if (lives.contains(plan[i].dst)) lives[plan[i].dst].last_step = i;  // parts are written one by one
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
    if (precision_ == Precision::kInt8 && step.src2 == 0) continue;  // fp32 does not fit into bytes
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
                           place_of(setup, owner, Where::kScratch, 0).row_bytes * static_cast<size_t>(batch_max_)});
      continue;
    }
    Lifetime& whole = lifetimes[static_cast<size_t>(at - owners.begin())];
    whole.first_step = std::min(whole.first_step, life.first_step);
    whole.last_step = std::max(whole.last_step, life.last_step);
  }
  const MemoryPlan memory = plan_memory(lifetimes);
  for (size_t i = 0; i < owners.size(); ++i)
    places_[owners[i]] = place_of(setup, owners[i], Where::kScratch, memory.offsets[i]);
  for (const auto& [id, life] : lives) {
    const Place& owner = places_.at(root(id));
    places_[id] = place_of(setup, id, owner.where, owner.index);
  }
  scratch_bytes_ = memory.bytes;
  expect_memory("onednn", static_cast<double>(scratch_bytes_));
  size_t row_bytes = memory.bytes / static_cast<size_t>(batch_max_);
  for (const CarryTensor& tensor : carry_in_) row_bytes += tensor.row_bytes;
  for (const CarryTensor& tensor : carry_out_) row_bytes += tensor.row_bytes;
  rows_at_once_ = static_cast<int32_t>(std::clamp<size_t>(cache_budget() / row_bytes, 1, 1 << 20));
  if (gate_ && !gate_->feature_weights().empty()) {
    gate_dots_offset_ = scratch_bytes_;
    scratch_bytes_ += aligned(static_cast<size_t>(batch_max_) * (classes_ + 1) * sizeof(float));
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
  const NodeId first = planned.nodes.empty() ? planned.dst : planned.nodes[0];
  info.name = setup.graph.node(first).name;
  info.op = setup.graph.node(first).op;
  const Shape& src_shape = setup.shapes[static_cast<size_t>(planned.src)];
  step.channels = static_cast<size_t>(src_shape[0]);
  step.pixels = static_cast<size_t>(element_count(src_shape)) / step.channels;
  if (planned.kind == StepKind::kFromPlanes) {
    if (places_.at(0).where == Where::kSrc) return;  // nothing to do
    step.src = {Where::kSrc, 0, static_cast<size_t>(element_count(src_shape)), carry_in_[0].row_bytes};
  } else {
    step.src = places_.at(planned.src);
  }
  if (planned.src2 >= 0) step.src2 = places_.at(planned.src2);
  step.elements = elementwise_arguments(setup, planned);
  step.dst = places_.at(planned.dst);
  const bool reads_map = planned.kind != StepKind::kFromPlanes && planned.kind != StepKind::kCopy;
  const bool mixes =
      step.src.storage != step.dst.storage || (planned.src2 >= 0 && step.src2.storage != step.dst.storage);
  step.is_wide = reads_map && step.dst.storage == Storage::kInt8 && mixes;
  switch (planned.kind) {
    case StepKind::kCopy:
      // Read from where it came, written to where it goes.
      for (size_t t = 0; t < carry_out_.size(); ++t) {
        if (carry_out_[t].node == planned.src) step.dst = place_of(setup, planned.src, Where::kDst, t);
      }
      break;
    case StepKind::kConvolution:
      add_convolution(setup, planned, step);
      info.macs = step.convolution->macs();
      break;
    case StepKind::kScaleShift: {
      Folded folded = fold(setup.graph.node(planned.nodes[0]), setup.weights);
      step.scale = std::move(folded.scale);
      step.shift = std::move(folded.shift);
      break;
    }
    case StepKind::kChannels:
      step.move = channel_arguments(setup, planned);
      if (setup.graph.node(planned.dst).op == OpKind::kChannelShuffle) step.order = shuffle_order(setup, planned);
      break;
    case StepKind::kPad:
      step.pad = pad_arguments(setup, planned);
      break;
    case StepKind::kResponseNorm:
      step.norm = response_norm_arguments(setup, planned);
      break;
    case StepKind::kLayerNorm:
      step.epsilon = std::get<LayerNormAttributes>(setup.graph.node(planned.nodes[0]).attributes).epsilon;
      break;
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

void OnednnStage::add_convolution(const StageSetup& setup, const PlannedStep& planned, Step& step) {
  ConvolutionSetup convolution = convolution_setup(setup, planned);
  convolution.src_scale = step.src.scale;
  convolution.dst_scale = step.dst.scale;
  convolution.residual_scale = step.src2.scale;
  convolution.src_is_float = step.src.storage == Storage::kF32;
  if (step.dst.storage == Storage::kInt8) {
    const bool has_kernel = convolution.src_is_float ? planned.src2 < 0 && DirectConvolution::takes(convolution)
                                                     : !step.is_wide && Convolution::has_fast_kernel(convolution);
    step.is_wide = !has_kernel;
  }
  if (step.is_wide) {
    convolution.precision = Precision::kF32;
    convolution.batch_max = std::min(convolution.batch_max, kWideRows);
  }
  step.convolution = std::make_unique<const Convolution>(convolution);
  step.copies_residual =
      planned.src2 >= 0 && (step.is_wide || step.src2.where != step.dst.where || step.src2.index != step.dst.index);
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
  if (step.kind == StepKind::kGate) return run_gate(batch, scratch);
  if (step.kind == StepKind::kLinear) return run_linear(step, batch, scratch);
  Operands operands;
  operands.n = static_cast<size_t>(batch.n);
  operands.src = read(step.src, batch, scratch);
  if (step.src2.row_elements > 0) operands.src2 = read(step.src2, batch, scratch);
  operands.dst = write(step.dst, batch, scratch);
  operands.dst_row_bytes = step.dst.row_bytes;
  operands.library_scratch = scratch.data() + library_offset_;
  operands.context = &static_cast<Context&>(context);
  if (step.is_wide) return compute_wide(index, operands, scratch.data() + wide_offset_);
  compute(index, operands, kernels_for(step.kind == StepKind::kFromPlanes ? step.dst.storage : step.src.storage));
}

void OnednnStage::compute(size_t index, const Operands& o, const ElementKernels& kernels) const {
  const Step& step = steps_[index];
  const ByteCode src_code = byte_code(step.src.scale), src2_code = byte_code(step.src2.scale),
                 dst_code = byte_code(step.dst.scale);
  const MapArguments map{o.src, o.dst, o.n, step.pixels, step.channels, src_code, dst_code};
  ElementwiseArguments elements = step.elements;
  elements.a = o.src;
  elements.b = o.src2;
  elements.scale = step.scale.data();
  elements.shift = step.shift.data();
  elements.dst = o.dst;
  elements.count = o.n * step.channels * step.pixels;
  elements.a_code = src_code;
  elements.b_code = src2_code;
  elements.dst_code = dst_code;
  switch (step.kind) {
    case StepKind::kFromPlanes:
      kernels.from_planes(map);
      break;
    case StepKind::kCopy:
      std::memcpy(o.dst, o.src, o.n * o.dst_row_bytes);
      break;
    case StepKind::kConvolution: {
      if (step.copies_residual) std::memcpy(o.dst, o.src2, o.n * o.dst_row_bytes);
      step.convolution->run(static_cast<int32_t>(o.n), o.src, o.dst, o.library_scratch, o.context->stream,
                            *o.context->arguments[index]);
      break;
    }
    case StepKind::kPool: {
      PoolArguments pool = step.pool;
      pool.src = o.src;
      pool.dst = o.dst;
      pool.n = o.n;
      pool.src_code = src_code;
      pool.dst_code = dst_code;
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
      kernels.add(elements);
      break;
    case StepKind::kFlatten:
      kernels.to_planes(map);
      break;
    case StepKind::kChannels:
      move_channels(step, o, kernels, src_code);
      break;
    case StepKind::kClip:
      kernels.clip(elements);
      break;
    case StepKind::kHardSwish:
      kernels.hard_swish(elements);
      break;
    case StepKind::kLeakyRelu:
      kernels.leaky_relu(elements);
      break;
    case StepKind::kSigmoid:
      kernels.sigmoid(elements);
      break;
    case StepKind::kHardSigmoid:
      kernels.hard_sigmoid(elements);
      break;
    case StepKind::kGelu:
      kernels.gelu(elements);
      break;
    case StepKind::kMul:
      kernels.mul(elements);
      break;
    case StepKind::kPad: {
      PadArguments pad = step.pad;
      pad.src = o.src;
      pad.dst = o.dst;
      pad.n = o.n;
      pad.src_code = src_code;
      pad.dst_code = dst_code;
      kernels.pad(pad);
      break;
    }
    case StepKind::kResponseNorm: {
      ResponseNormArguments norm = step.norm;
      norm.src = o.src;
      norm.dst = o.dst;
      norm.count = o.n * step.pixels;
      norm.src_code = src_code;
      norm.dst_code = dst_code;
      kernels.response_norm(norm);
      break;
    }
    case StepKind::kLayerNorm:
      for (size_t row = 0; row < o.n; ++row) {
        const size_t at = row * step.channels;
        layer_norm({reinterpret_cast<const float*>(o.src) + at, step.channels}, step.epsilon,
                   {reinterpret_cast<float*>(o.dst) + at, step.channels});
      }
      break;
    case StepKind::kLinear:
    case StepKind::kGate:
      break;
  }
}

void OnednnStage::move_channels(const Step& step, const Operands& o, const ElementKernels& kernels, ByteCode src_code) {
  ChannelArguments move = step.move;
  move.src = o.src;
  move.dst = o.dst;
  move.count = o.n * step.pixels;
  if (!step.order.empty()) move.order = step.order.data();
  move.src_code = src_code;
  move.dst_code = byte_code(step.dst.scale);
  kernels.move_channels(move);
}

// A few rows at a time: maps become fp32, the step runs, its result becomes bytes.
void OnednnStage::compute_wide(size_t index, const Operands& operands, std::byte* scratch) const {
  const Step& step = steps_[index];
  const auto widened = [](const Place& place, const std::byte* rows, size_t n, std::byte* to) -> const std::byte* {
    if (rows == nullptr || place.storage == Storage::kF32) return rows;
    kernels_for(place.storage).to_planes({rows, to, n, place.row_elements, 1, byte_code(place.scale), {}});
    return to;
  };
  std::byte* const src = scratch;
  std::byte* const src2 = src + wide_row_bytes(step.src.row_elements);
  std::byte* const dst = src2 + wide_row_bytes(step.src2.row_elements);
  for (size_t first = 0; first < operands.n; first += kWideRows) {
    Operands wide = operands;
    wide.n = std::min<size_t>(kWideRows, operands.n - first);
    wide.src = widened(step.src, operands.src + first * step.src.row_bytes, wide.n, src);
    if (operands.src2 != nullptr) {
      wide.src2 = widened(step.src2, operands.src2 + first * step.src2.row_bytes, wide.n, src2);
    }
    if (step.kind == StepKind::kChannels) {
      kernels_for(step.dst.storage)
          .from_planes({wide.src, dst, wide.n, step.src.row_elements, 1, {}, byte_code(step.dst.scale)});
      wide.src = dst;
      wide.dst += first * step.dst.row_bytes;
      move_channels(step, wide, kernels_for(step.dst.storage), byte_code(step.dst.scale));
      continue;
    }
    wide.dst = dst;
    wide.dst_row_bytes = step.dst.row_elements * sizeof(float);
    compute(index, wide, kernels_for(Storage::kF32));
    kernels_for(step.dst.storage)
        .from_planes({dst,
                      operands.dst + first * step.dst.row_bytes,
                      wide.n,
                      step.dst.row_elements,
                      1,
                      {},
                      byte_code(step.dst.scale)});
  }
}

std::vector<float> OnednnStage::read_result(size_t index, const StageBatch& batch, const StageContext& context) const {
  const std::span<std::byte> scratch = context.scratch;
  const Place& place = steps_[index].dst;
  SOONER_ASSERT(place.row_elements > 0);
  const auto n = static_cast<size_t>(batch.n);
  std::vector<float> values(n * place.row_elements);
  kernels_for(place.storage)
      .to_planes({read(place, batch, scratch), values.data(), n, place.row_elements, 1, byte_code(place.scale), {}});
  return values;
}

void OnednnStage::run_linear(const Step& step, const StageBatch& batch, std::span<std::byte> scratch) const {
  const auto n = static_cast<size_t>(batch.n);
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
  a.src_code = byte_code(step.src.scale);
  kernels_for(step.src.storage).linear(a);
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
