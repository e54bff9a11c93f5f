#include "runtime/session.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "backend/common/memory_limit.h"
#include "core/error.h"
#include "policy/scores.h"
#include "runtime/carried_rows.h"
#include "runtime/session_buffers.h"

namespace sooner {
namespace {

float sigmoid(float x) { return static_cast<float>(1 / (1 + std::exp(-static_cast<double>(x)))); }

void check_input(std::span<const float> input, int64_t n, const Shape& shape) {
  const int64_t per_sample = element_count(shape);
  if (n < 0 || n > std::numeric_limits<int32_t>::max()) {
    fail(Code::kInvalidArgument, "[Session::run] n is {}, expected 0 to 2^31 - 1", n);
  }
  if (input.size() != static_cast<size_t>(n * per_sample)) {
    fail(Code::kInvalidArgument, "[Session::run] input holds {} floats, expected n*C*H*W = {}*{}*{}*{} = {}",
         input.size(), n, shape[0], shape[1], shape[2], n * per_sample);
  }
}

void check_cut(size_t cut, size_t after, size_t exits) {
  if (cut < after || cut + 1 >= exits) {
    fail(Code::kInvalidArgument, "[Session] got a cut after stage {}, expected one of stages {} to {} of {}", cut,
         after, static_cast<int64_t>(exits) - 2, exits);
  }
}

std::shared_ptr<const ExitPolicy> default_policy(const Model* model) {
  if (model == nullptr) fail(Code::kInvalidArgument, "[Session] got no model");
  const Manifest& manifest = model->manifest();
  return make_policy(policy_at(manifest.policy, manifest.calibrations, to_string(model->precision())),
                     policy_context(manifest));
}

}  // namespace

Session::Session(std::shared_ptr<const Model> model, std::shared_ptr<const ExitPolicy> policy,
                 const SessionOptions& options)
    : model_(std::move(model)), policy_(std::move(policy)) {
  if (model_ == nullptr || policy_ == nullptr) {
    fail(Code::kInvalidArgument, "[Session] got no {}", model_ == nullptr ? "model" : "policy");
  }
  buffers_ = std::make_unique<Buffers>(*model_, *policy_, options);
  if (!model_->compiled_ahead()) return;
  for (size_t k = 0; k < model_->stages(); ++k) reach(k);
}

Session::Session(std::shared_ptr<const Model> model, const SessionOptions& options)
    : Session(model, default_policy(model.get()), options) {}

Session::~Session() = default;

// What stage k needs, made when it is first wanted.
Session::Lane& Session::reach(size_t k) {
  Buffers& b = *buffers_;
  Lane& lane = b.lanes[k];
  if (lane.stage != nullptr) return lane;
  const CompiledStage& stage = model_->stage(k);
  const size_t members = b.scratch.size();
  expect_memory("Session", static_cast<double>(stage.scratch_bytes()) * static_cast<double>(members));
  lane.own.resize(members);
  for (size_t member = 0; member < members; ++member) {
    Lane::Own& own = lane.own[member];
    own.context = stage.make_context();
    own.src.resize(stage.carry_in().size());
    own.dst.resize(stage.carry_out().size());
    AlignedBuffer& scratch = b.scratch[member];
    if (stage.scratch_bytes() > scratch.size()) scratch = AlignedBuffer(stage.scratch_bytes());
    for (Lane& other : b.lanes) {
      if (!other.own.empty()) other.own[member].context->scratch = scratch.bytes();
    }
  }
  if (k + 1 < b.lanes.size()) {
    // Fewer than the next stage's micro-batch wait; this stage adds at most one of its own.
    lane.out = RowQueue(stage.carry_out(), b.input.state_bytes(), b.micro_batches[k] + b.micro_batches[k + 1]);
  }
  lane.stage = &stage;
  return lane;
}

void Session::begin(int64_t n) {
  Buffers& b = *buffers_;
  b.results.assign(static_cast<size_t>(n), Result{});
  b.result_logits.assign(static_cast<size_t>(n) * static_cast<size_t>(model_->graph().classes), 0);
  for (Lane& lane : b.lanes) lane.out.size = 0;
  if (b.clock) b.began = b.clock();
}

std::span<const Result> Session::run(std::span<const float> input, int64_t n) {
  check_input(input, n, model_->graph().input_shape);
  answer(input.data(), n, model_->stages());
  return buffers_->results;
}

std::span<const Result> Session::run_to_cut(std::span<const float> input, int64_t n, size_t cut,
                                            std::vector<std::byte>& carried) {
  check_input(input, n, model_->graph().input_shape);
  check_cut(cut, 0, model_->stages());
  reach(cut).out.reserve(static_cast<int32_t>(n) + buffers_->micro_batches[cut]);
  answer(input.data(), n, cut + 1);
  buffers_->carried_names.clear();
  hand_on(cut, carried);
  return buffers_->results;
}

// Stages 0 to `stages` - 1 for n samples.
void Session::answer(const float* input, int64_t n, size_t stages) {
  Buffers& b = *buffers_;
  begin(n);
  const auto per_sample = static_cast<size_t>(element_count(model_->graph().input_shape));
  for (int64_t first = 0; first < n; first += b.micro_batches[0]) {
    const auto rows = static_cast<int32_t>(std::min<int64_t>(b.micro_batches[0], n - first));
    b.images = input + static_cast<size_t>(first) * per_sample;
    b.input.size = rows;
    for (int32_t row = 0; row < rows; ++row) {
      b.input.samples[static_cast<size_t>(row)] = static_cast<int32_t>(first) + row;
      std::ranges::fill(b.input.state(row), std::byte{0});
    }
    advance(0, rows);
    work_off(1, stages, false);
  }
  work_off(1, stages, true);
}

// Runs stages k to `stages` - 1 as long as their micro-batches are full, or until nobody waits.
void Session::work_off(size_t k, size_t stages, bool everything) {
  if (k >= stages) return;
  Buffers& b = *buffers_;
  RowQueue& waiting = b.lanes[k - 1].out;
  while (waiting.size >= b.micro_batches[k] || (everything && waiting.size > 0)) {
    advance(k, std::min(waiting.size, b.micro_batches[k]));
    work_off(k + 1, stages, false);
  }
  if (everything) work_off(k + 1, stages, true);
}

// Takes the last `rows` rows that wait for stage k through it.
void Session::advance(size_t k, int32_t rows) {
  reach(k);
  const bool last = k + 1 == model_->stages();
  const bool answers = last || policy_->needs_exit(static_cast<int32_t>(k));
  compute(k, rows, answers);
  settle(k, rows, answers);
  RowQueue& in = k == 0 ? buffers_->input : buffers_->lanes[k - 1].out;
  in.size -= rows;
}

// Stage k's trunk, and its head when asked, for the last `rows` rows that wait. Values go behind the rows that wait for
// the next stage already.
void Session::compute(size_t k, int32_t rows, bool with_head) {
  Crew& crew = buffers_->crew;
  if (crew.members() == 1 || rows == 1) return compute_part(k, 0, rows, rows, with_head, 0);
  crew.run([&](int32_t member) {
    const auto share = [&](int32_t part) { return static_cast<int32_t>(int64_t{rows} * part / crew.members()); };
    compute_part(k, share(member), share(member + 1), rows, with_head, static_cast<size_t>(member));
  });
}

// Rows `begin` to `end` of those `rows`, as many at a time as the stage likes best.
void Session::compute_part(size_t k, int32_t begin, int32_t end, int32_t rows, bool with_head, size_t member) {
  Buffers& b = *buffers_;
  Lane& lane = b.lanes[k];
  Lane::Own& own = lane.own[member];
  const CompiledStage& stage = *lane.stage;
  RowQueue& in = k == 0 ? b.input : b.lanes[k - 1].out;
  const std::span<const StepInfo> steps = stage.steps();
  const auto per_sample = static_cast<size_t>(element_count(model_->graph().input_shape));
  const auto classes = static_cast<size_t>(model_->graph().classes);
  const int32_t rows_at_once = std::max(1, stage.rows_at_once()), first = in.size - rows;
  StageBatch batch;
  batch.src = own.src;
  batch.dst = own.dst;
  for (int32_t done = begin; done < end; done += batch.n) {
    batch.n = std::min(rows_at_once, end - done);
    const auto offset = static_cast<size_t>(done);
    batch.samples = std::span(in.samples).subspan(static_cast<size_t>(first + done), static_cast<size_t>(batch.n));
    if (k == 0) {
      own.src[0] = reinterpret_cast<const std::byte*>(b.images + offset * per_sample);
    } else {
      for (size_t t = 0; t < own.src.size(); ++t) own.src[t] = in.row(t, first + done);
    }
    for (size_t t = 0; t < own.dst.size(); ++t) own.dst[t] = lane.out.row(t, lane.out.size + done);
    batch.logits = b.logits.data() + offset * classes;
    batch.gate_logits = b.gate_logits.data() + offset;
    for (size_t i = 0; i < steps.size(); ++i) {
      if (steps[i].head && !with_head) break;
      stage.run_step(i, batch, *own.context);
    }
  }
}

// Asks the policy about the sample of row `row` of those `rows` that waited for stage k; writes its result if it
// leaves.
bool Session::leaves(size_t k, int32_t row, int32_t rows) {
  Buffers& b = *buffers_;
  RowQueue& in = k == 0 ? b.input : b.lanes[k - 1].out;
  const auto classes = static_cast<size_t>(model_->graph().classes);
  const std::span<const float> logits = std::span(b.logits).subspan(static_cast<size_t>(row) * classes, classes);
  ExitObservation observation{.exit_index = static_cast<int32_t>(k), .logits = logits};
  if (b.clock) {
    observation.elapsed_seconds = b.elapsed;
    observation.next_stage_seconds = k + 1 < b.stage_seconds.size() ? b.stage_seconds[k + 1] : 0;
  }
  if (model_->graph().stages[k].exit.gate) observation.gate = sigmoid(b.gate_logits[static_cast<size_t>(row)]);
  const int32_t at = in.size - rows + row;
  ExitVerdict verdict = policy_->decide(observation, in.state(at));
  if (k + 1 == model_->stages() && !verdict.leaves()) verdict.left = Left::kAtLastExit;
  if (!verdict.leaves()) return false;
  const auto sample = static_cast<size_t>(in.samples[static_cast<size_t>(at)]);
  Result& result = b.results[sample];
  result.label = answered_label(verdict, logits);
  result.exit_index = static_cast<int32_t>(k);
  result.left = verdict.left;
  result.score = verdict.score;
  if (classes == 1) {
    result.number = logits[0];
    result.probability = std::numeric_limits<float>::quiet_NaN();
  } else {
    result.probability = std::isnan(verdict.probability) ? softmax_probability(logits, result.label, b.temperatures[k])
                                                         : verdict.probability;
  }
  std::ranges::copy(logits, b.result_logits.begin() + static_cast<ptrdiff_t>(sample * classes));
  return true;
}

// Deals with the last `rows` rows that waited for stage k: those that stay go on to the next. The last of them fill the
// places of those that left, so that as few as possible are moved.
void Session::settle(size_t k, int32_t rows, bool answers) {
  Buffers& b = *buffers_;
  RowQueue& in = k == 0 ? b.input : b.lanes[k - 1].out;
  RowQueue& out = b.lanes[k].out;
  if (b.clock) b.elapsed = b.clock() - b.began;
  for (int32_t row = 0; row < rows; ++row) b.stays[static_cast<size_t>(row)] = !(answers && leaves(k, row, rows));
  const auto stays = [&](int32_t row) { return b.stays[static_cast<size_t>(row)] != 0; };
  const int32_t in_first = in.size - rows, out_first = out.size;
  for (int32_t place = 0, end = rows;; ++place) {
    while (place < end && !stays(end - 1)) --end;
    if (place == end) break;
    const int32_t row = stays(place) ? place : --end;
    out.move_row(out_first + row, out_first + place);
    out.samples[static_cast<size_t>(out.size)] = in.samples[static_cast<size_t>(in_first + row)];
    std::ranges::copy(in.state(in_first + row), out.state(out.size).begin());
    ++out.size;
  }
}

void Session::hand_on(size_t cut, std::vector<std::byte>& carried) {
  const Buffers& b = *buffers_;
  RowQueue& out = buffers_->lanes[cut].out;
  CarriedRows rows;
  rows.stage = static_cast<uint32_t>(cut);
  rows.model_hash = model_->rows_hash();
  rows.precision = to_string(model_->precision());
  rows.backend = model_->backend_name();
  rows.policy = policy_->name();
  const auto n = static_cast<size_t>(out.size);
  rows.samples.assign(out.samples.begin(), out.samples.begin() + out.size);
  if (!b.carried_names.empty()) {
    for (int32_t& sample : rows.samples) sample = b.carried_names[static_cast<size_t>(sample)];
  }
  rows.state_bytes = out.state_bytes();
  if (n > 0) rows.states = {out.state(0).data(), n * out.state_bytes()};
  const std::span<const CarryTensor> tensors = model_->stage(cut).carry_out();
  for (size_t t = 0; t < tensors.size(); ++t) {
    rows.tensors.push_back({static_cast<uint32_t>(tensors[t].node),
                            tensors[t].row_bytes,
                            {n > 0 ? out.row(t, 0) : nullptr, n * tensors[t].row_bytes}});
  }
  append_carried(rows, carried);
}

std::span<const Result> Session::resume(std::span<const std::byte> carried) {
  answer_carried(carried, model_->stages());
  return buffers_->results;
}

std::span<const Result> Session::resume_to_cut(std::span<const std::byte> carried, size_t cut,
                                               std::vector<std::byte>& carried_on) {
  check_cut(cut, 1, model_->stages());
  answer_carried(carried, cut + 1);
  hand_on(cut, carried_on);
  return buffers_->results;
}

// Goes on with carried rows through stage `stages` - 1.
void Session::answer_carried(std::span<const std::byte> carried, size_t stages) {
  const CarriedRows rows = parse_carried(carried);
  const auto expect = [](std::string_view what, std::string_view theirs, std::string_view ours) {
    if (theirs == ours) return;
    fail(Code::kFailedPrecondition, "[Session::resume] the rows belong to {} '{}', this session has '{}'", what, theirs,
         ours);
  };
  expect("backend", rows.backend, model_->backend_name());
  expect("precision", rows.precision, to_string(model_->precision()));
  expect(model_->precision() == Precision::kInt8 ? "model and quantisation" : "model", rows.model_hash,
         model_->rows_hash());
  expect("policy", rows.policy, policy_->name());
  if (rows.stage + 1 >= stages) {
    fail(Code::kFailedPrecondition,
         "[Session::resume] the rows come from the cut after stage {}, expected one of stages 0 to {}", rows.stage,
         static_cast<int64_t>(stages) - 2);
  }
  const size_t k = rows.stage;
  Buffers& b = *buffers_;
  const std::span<const CarryTensor> tensors = reach(k).stage->carry_out();
  bool fits = tensors.size() == rows.tensors.size() && rows.state_bytes == policy_->state_bytes();
  for (size_t t = 0; fits && t < tensors.size(); ++t) {
    fits = rows.tensors[t].node == static_cast<uint32_t>(tensors[t].node) &&
           rows.tensors[t].row_bytes == tensors[t].row_bytes;
  }
  if (!fits) {
    fail(Code::kFailedPrecondition,
         "[Session::resume] the rows hold other values than cross the cut after stage {} here", k);
  }
  const auto n = static_cast<int32_t>(rows.samples.size());
  if (stages < model_->stages()) reach(stages - 1).out.reserve(n + b.micro_batches[stages - 1]);
  begin(n);
  b.carried_names = rows.samples;
  RowQueue& waiting = b.lanes[k].out;
  for (int32_t row = 0; row < n; ++row) {
    const auto at = static_cast<size_t>(row);
    for (size_t t = 0; t < tensors.size(); ++t) {
      std::memcpy(waiting.row(t, waiting.size), rows.tensors[t].rows.data() + at * tensors[t].row_bytes,
                  tensors[t].row_bytes);
    }
    waiting.samples[static_cast<size_t>(waiting.size)] = row;
    std::ranges::copy(rows.states.subspan(at * rows.state_bytes, rows.state_bytes),
                      waiting.state(waiting.size).begin());
    ++waiting.size;
    if (waiting.size >= b.micro_batches[k + 1]) work_off(k + 1, stages, false);
  }
  work_off(k + 1, stages, true);
}

std::span<const float> Session::logits() const { return buffers_->result_logits; }

void Session::run_all_exits(std::span<const float> input, int64_t n, std::span<float> logits, std::span<float> gates) {
  const Graph& graph = model_->graph();
  check_input(input, n, graph.input_shape);
  const size_t exits = graph.exits();
  const auto classes = static_cast<size_t>(graph.classes);
  const auto samples = static_cast<size_t>(n);
  if (logits.size() != samples * exits * classes || gates.size() != samples * (exits - 1)) {
    fail(Code::kInvalidArgument, "[Session::run_all_exits] room for {} logits and {} gates, expected {} and {}",
         logits.size(), gates.size(), samples * exits * classes, samples * (exits - 1));
  }
  Buffers& b = *buffers_;
  begin(0);
  const auto per_sample = static_cast<size_t>(element_count(graph.input_shape));
  const auto at_once = static_cast<size_t>(*std::ranges::min_element(b.micro_batches));
  for (size_t first = 0; first < samples; first += at_once) {
    const size_t count = std::min(at_once, samples - first);
    b.images = input.data() + first * per_sample;
    b.input.size = static_cast<int32_t>(count);
    for (size_t i = 0; i < count; ++i) b.input.samples[i] = static_cast<int32_t>(first + i);
    for (size_t k = 0; k < exits; ++k) {
      reach(k);
      compute(k, static_cast<int32_t>(count), true);
      const bool has_gate = graph.stages[k].exit.gate.has_value();
      for (size_t row = 0; row < count; ++row) {
        const size_t sample = first + row;
        std::copy_n(b.logits.begin() + static_cast<ptrdiff_t>(row * classes), classes,
                    logits.begin() + static_cast<ptrdiff_t>((sample * exits + k) * classes));
        if (k + 1 == exits) continue;
        gates[sample * (exits - 1) + k] =
            has_gate ? sigmoid(b.gate_logits[row]) : std::numeric_limits<float>::quiet_NaN();
      }
      if (k + 1 == exits) continue;
      // Everybody goes on, under the same numbers.
      RowQueue& in = k == 0 ? b.input : b.lanes[k - 1].out;
      std::copy_n(in.samples.begin(), count, b.lanes[k].out.samples.begin());
      b.lanes[k].out.size = static_cast<int32_t>(count);
      in.size = 0;
    }
    for (Lane& lane : b.lanes) lane.out.size = 0;
  }
}

}  // namespace sooner
