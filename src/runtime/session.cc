#include "runtime/session.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/error.h"
#include "policy/scores.h"
#include "runtime/session_buffers.h"

namespace sooner {
namespace {

float sigmoid(float x) { return static_cast<float>(1 / (1 + std::exp(-static_cast<double>(x)))); }

// Softmax probability of `label` at a temperature.
float probability(std::span<const float> logits, int32_t label, double temperature) {
  const double z = logits[static_cast<size_t>(label)];
  double total = 0;
  for (const float other : logits) total += std::exp((other - z) / temperature);
  return static_cast<float>(1 / total);
}

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

std::shared_ptr<const ExitPolicy> default_policy(const Model* model) {
  if (model == nullptr) fail(Code::kInvalidArgument, "[Session] got no model");
  const Graph& graph = model->graph();
  PolicyContext context{.exits = static_cast<int32_t>(graph.exits()),
                        .classes = static_cast<int32_t>(graph.classes),
                        .has_gates = graph.exits() > 1};
  for (size_t k = 0; k + 1 < graph.exits(); ++k) context.has_gates &= graph.stages[k].exit.gate.has_value();
  const Manifest& manifest = model->manifest();
  return make_policy(policy_at(manifest.policy, manifest.calibrations, to_string(model->precision())), context);
}

}  // namespace

Session::Session(std::shared_ptr<const Model> model, std::shared_ptr<const ExitPolicy> policy)
    : model_(std::move(model)), policy_(std::move(policy)) {
  if (model_ == nullptr || policy_ == nullptr) {
    fail(Code::kInvalidArgument, "[Session] got no {}", model_ == nullptr ? "model" : "policy");
  }
  buffers_ = std::make_unique<Buffers>(*model_, policy_->state_bytes());
}

Session::Session(std::shared_ptr<const Model> model) : Session(model, default_policy(model.get())) {}

Session::~Session() = default;

std::span<const Result> Session::run(std::span<const float> input, int64_t n) {
  const Graph& graph = model_->graph();
  check_input(input, n, graph.input_shape);
  const auto classes = static_cast<size_t>(graph.classes);
  const auto per_sample = static_cast<size_t>(element_count(graph.input_shape));
  buffers_->results.assign(static_cast<size_t>(n), Result{});
  buffers_->result_logits.resize(static_cast<size_t>(n) * classes);
  for (int64_t first = 0; first < n; first += model_->batch_max()) {
    const auto count = static_cast<int32_t>(std::min<int64_t>(model_->batch_max(), n - first));
    run_batch(input.data() + static_cast<size_t>(first) * per_sample, static_cast<int32_t>(first), count);
  }
  return buffers_->results;
}

void Session::run_batch(const float* input, int32_t first, int32_t count) {
  Buffers& b = *buffers_;
  for (int32_t i = 0; i < count; ++i) b.samples[static_cast<size_t>(i)] = first + i;
  std::memset(b.policy_state.data(), 0, b.policy_state_bytes * static_cast<size_t>(count));
  const std::byte* images = reinterpret_cast<const std::byte*>(input);
  int32_t present = count;
  for (size_t k = 0; present > 0; ++k) {
    const bool last = k + 1 == model_->stages().size();
    const bool answers = last || policy_->needs_exit(static_cast<int32_t>(k));
    run_stage(k, images, present, answers);
    if (answers) present = settle(k, present);
    SOONER_ASSERT(!last || present == 0);
  }
}

// Runs stage k's trunk for the first `present` rows, and its head when asked, as many rows at a time as the stage
// likes best.
void Session::run_stage(size_t k, const std::byte* images, int32_t present, bool with_head) {
  Buffers& b = *buffers_;
  const CompiledStage& stage = *model_->stages()[k];
  const std::span<const StepInfo> steps = stage.steps();
  const std::span<const CarryTensor> in = stage.carry_in(), out = stage.carry_out();
  const auto classes = static_cast<size_t>(model_->graph().classes);
  const int32_t rows_at_once = std::max(1, stage.rows_at_once());
  for (int32_t done = 0; done < present;) {
    const auto first = static_cast<size_t>(done);
    StageBatch batch;
    batch.n = std::min(rows_at_once, present - done);
    batch.samples = std::span(b.samples).subspan(first, static_cast<size_t>(batch.n));
    for (size_t t = 0; t < in.size(); ++t) {
      b.src[t] = (k == 0 ? images : b.carry[k - 1][t]) + first * in[t].row_bytes;
    }
    for (size_t t = 0; t < out.size(); ++t) b.dst[t] = b.carry[k][t] + first * out[t].row_bytes;
    batch.src = std::span<const std::byte* const>(b.src).first(in.size());
    batch.dst = std::span<std::byte* const>(b.dst).first(out.size());
    batch.logits = b.logits.data() + first * classes;
    batch.gate_logits = b.gate_logits.data() + first;
    for (size_t i = 0; i < steps.size(); ++i) {
      if (steps[i].head && !with_head) break;
      stage.run_step(i, batch, b.scratch);
    }
    done += batch.n;
  }
}

// Asks the policy about each present sample, writes the results of those that leave and moves the rows of the others
// together. Returns how many stay.
int32_t Session::settle(size_t k, int32_t present) {
  Buffers& b = *buffers_;
  const auto classes = static_cast<size_t>(model_->graph().classes);
  const bool last = k + 1 == model_->stages().size();
  const bool has_gate = model_->graph().stages[k].exit.gate.has_value();
  size_t stay = 0;
  for (size_t row = 0; row < static_cast<size_t>(present); ++row) {
    const std::span<const float> logits = std::span(b.logits).subspan(row * classes, classes);
    const std::span<std::byte> state = b.policy_state.subspan(row * b.policy_state_bytes, b.policy_state_bytes);
    ExitObservation observation{.exit_index = static_cast<int32_t>(k), .logits = logits};
    if (has_gate) observation.gate = sigmoid(b.gate_logits[row]);
    ExitVerdict verdict = policy_->decide(observation, state);
    if (last && !verdict.leaves()) verdict.left = Left::kAtLastExit;
    if (verdict.leaves()) {
      const auto sample = static_cast<size_t>(b.samples[row]);
      Result& result = b.results[sample];
      result.label = argmax(logits);
      result.exit_index = static_cast<int32_t>(k);
      result.left = verdict.left;
      result.score = verdict.score;
      result.probability = probability(logits, result.label, b.temperatures[k]);
      std::copy(logits.begin(), logits.end(), b.result_logits.begin() + static_cast<ptrdiff_t>(sample * classes));
      continue;
    }
    if (stay != row) move_row(k, row, stay);
    ++stay;
  }
  return static_cast<int32_t>(stay);
}

void Session::move_row(size_t k, size_t from, size_t to) {
  Buffers& b = *buffers_;
  b.samples[to] = b.samples[from];
  std::memcpy(b.policy_state.data() + to * b.policy_state_bytes, b.policy_state.data() + from * b.policy_state_bytes,
              b.policy_state_bytes);
  const std::span<const CarryTensor> tensors = model_->stages()[k]->carry_out();
  for (size_t t = 0; t < tensors.size(); ++t) {
    const size_t bytes = tensors[t].row_bytes;
    std::memcpy(b.carry[k][t] + to * bytes, b.carry[k][t] + from * bytes, bytes);
  }
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
  const auto per_sample = static_cast<size_t>(element_count(graph.input_shape));
  Buffers& b = *buffers_;
  for (size_t first = 0; first < samples; first += static_cast<size_t>(model_->batch_max())) {
    const size_t count = std::min(static_cast<size_t>(model_->batch_max()), samples - first);
    for (size_t i = 0; i < count; ++i) b.samples[i] = static_cast<int32_t>(first + i);
    const std::byte* images = reinterpret_cast<const std::byte*>(input.data() + first * per_sample);
    for (size_t k = 0; k < exits; ++k) {
      run_stage(k, images, static_cast<int32_t>(count), true);
      const bool has_gate = graph.stages[k].exit.gate.has_value();
      for (size_t row = 0; row < count; ++row) {
        const size_t sample = first + row;
        std::copy_n(b.logits.begin() + static_cast<ptrdiff_t>(row * classes), classes,
                    logits.begin() + static_cast<ptrdiff_t>((sample * exits + k) * classes));
        if (k + 1 == exits) continue;
        gates[sample * (exits - 1) + k] =
            has_gate ? sigmoid(b.gate_logits[row]) : std::numeric_limits<float>::quiet_NaN();
      }
    }
  }
}

}  // namespace sooner
