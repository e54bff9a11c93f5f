#include "runtime/session.h"

#include <algorithm>
#include <limits>

#include "core/error.h"
#include "runtime/every_exit.h"
#include "runtime/session_buffers.h"

namespace sooner {
namespace {

void check_options(const RunOptions& options, int64_t n) {
  const auto check = [&](std::string_view what, size_t got) {
    if (got == 0 || got == static_cast<size_t>(n)) return;
    fail(Code::kInvalidArgument, "[Session::run] got {} {}, expected {}, one for each sample, or none", got, what, n);
  };
  check("ids", options.ids.size());
  check("policies", options.policies.size());
}

std::shared_ptr<const ExitPolicy> default_policy(const Model* model) {
  if (model == nullptr) fail(Code::kInvalidArgument, "[Session] got no model");
  const Manifest& manifest = model->manifest();
  return make_policy(policy_at(manifest.policy, manifest.calibrations, to_string(model->precision())),
                     policy_context(manifest));
}

PixelTable pixel_table(const Manifest& manifest) {
  const Preprocessing& preprocessing = manifest.preprocessing;
  const Shape& shape = manifest.graph.input_shape;
  const auto channels = static_cast<size_t>(shape[0]);
  if (preprocessing.image_shape != shape || preprocessing.mean.size() != channels ||
      preprocessing.std.size() != channels) {
    fail(Code::kFailedPrecondition,
         "[Session::run_pixels] the model does not say how pictures of {} become its numbers; preprocess them and "
         "call run",
         to_string(shape));
  }
  return {preprocessing.mean, preprocessing.std};
}

}  // namespace

Session::Session(std::shared_ptr<const Model> model, std::shared_ptr<const ExitPolicy> policy,
                 const SessionOptions& options)
    : model_(std::move(model)), policy_(std::move(policy)) {
  if (model_ == nullptr || policy_ == nullptr) {
    fail(Code::kInvalidArgument, "[Session] got no {}", model_ == nullptr ? "model" : "policy");
  }
  if (options.clock == nullptr) fail(Code::kInvalidArgument, "[Session] got no clock");
  buffers_ = std::make_unique<SessionBuffers>(*model_, *policy_, options);
  if (!model_->compiled_ahead()) return;
  for (size_t k = 0; k < model_->stages(); ++k) buffers_->reach(k);
}

Session::Session(std::shared_ptr<const Model> model, const SessionOptions& options)
    : Session(model, default_policy(model.get()), options) {}

Session::~Session() = default;

void Session::check_input(size_t size, std::string_view of, int64_t n, const Shape& shape) {
  const int64_t per_sample = element_count(shape);
  if (n < 0 || n > std::numeric_limits<int32_t>::max()) {
    fail(Code::kInvalidArgument, "[Session::run] n is {}, expected 0 to 2^31 - 1", n);
  }
  if (size != static_cast<size_t>(n * per_sample)) {
    fail(Code::kInvalidArgument, "[Session::run] input holds {} {}, expected n*C*H*W = {}*{}*{}*{} = {}", size, of, n,
         shape[0], shape[1], shape[2], n * per_sample);
  }
}

std::span<const Result> Session::run(std::span<const float> input, int64_t n, const RunOptions& options) {
  check_input(input.size(), "floats", n, model_->graph().input_shape);
  run_through({.numbers = input.data()}, n, model_->stages(), options);
  return buffers_->results;
}

std::span<const Result> Session::run_pixels(std::span<const uint8_t> pixels, int64_t n, const RunOptions& options) {
  check_input(pixels.size(), "bytes", n, model_->graph().input_shape);
  if (!buffers_->pixels) buffers_->pixels = pixel_table(model_->manifest());
  run_through({.pixels = pixels.data()}, n, model_->stages(), options);
  return buffers_->results;
}

// Stages 0 to `stages` - 1 for n samples.
void Session::run_through(const SessionInput& input, int64_t n, size_t stages, const RunOptions& options) {
  check_options(options, n);
  SessionBuffers& b = *buffers_;
  b.begin(n, 0, stages, *policy_, options.policies, options.sink);
  b.names.assign(options.ids.begin(), options.ids.end());
  const auto per_sample = static_cast<size_t>(element_count(model_->graph().input_shape));
  const int64_t at_once = b.micro_batch(0);
  const double began = b.time();
  const Row own = Row::beginning(*policy_, began);
  for (int64_t first = 0; first < n; first += at_once) {
    const auto rows = static_cast<int32_t>(std::min(at_once, n - first));
    const size_t offset = static_cast<size_t>(first) * per_sample;
    if (input.pixels == nullptr) {
      b.input.borrow(0, reinterpret_cast<const std::byte*>(input.numbers + offset));
    } else {
      b.input.own();
      for (int32_t row = 0; row < rows; ++row) {
        b.pixels->convert({input.pixels + offset + static_cast<size_t>(row) * per_sample, per_sample},
                          {reinterpret_cast<float*>(b.input.tensor(0, row)), per_sample});
      }
    }
    for (int32_t row = 0; row < rows; ++row) {
      const auto sample = static_cast<size_t>(first + row);
      b.input.push(sample, options.policies.empty() ? own : Row::beginning(*options.policies[sample], began));
    }
    b.batches_to_come = (n - first - rows + at_once - 1) / at_once;
    b.advance(0, rows);
    b.work_off(1, false);
  }
  b.work_off(1, true);
}

std::span<const float> Session::logits() const { return buffers_->result_logits; }

std::span<const Result> Session::run_all_exits(std::span<const float> input, int64_t n, std::span<float> logits,
                                               std::span<float> gates) {
  const Graph& graph = model_->graph();
  check_input(input.size(), "floats", n, graph.input_shape);
  const size_t exits = graph.exits();
  const auto classes = static_cast<size_t>(graph.classes);
  const auto samples = static_cast<size_t>(n);
  if (logits.size() != samples * exits * classes || gates.size() != samples * (exits - 1)) {
    fail(Code::kInvalidArgument, "[Session::run_all_exits] room for {} logits and {} gates, expected {} and {}",
         logits.size(), gates.size(), samples * exits * classes, samples * (exits - 1));
  }
  SessionBuffers& b = *buffers_;
  const bool asks = !policy_->needs_times();
  b.begin(asks ? n : 0, 0, exits, *policy_, {}, nullptr);
  for (size_t k = 0; k < exits; ++k) b.reach(k);
  const auto per_sample = static_cast<size_t>(element_count(graph.input_shape));
  const auto at_once = static_cast<size_t>(b.smallest_micro_batch());
  const Row row = Row::beginning(*policy_);
  for (size_t first = 0; first < samples; first += at_once) {
    const size_t count = std::min(at_once, samples - first);
    b.input.borrow(0, reinterpret_cast<const std::byte*>(input.data() + first * per_sample));
    for (size_t i = 0; i < count; ++i) b.input.push(first + i, row);
    run_every_exit(b.lanes(), b.input, [&](size_t k, StageRunner& runner, RowQueue& in, RowQueue& out) {
      for (size_t i = 0; i < count; ++i) {
        const auto at = static_cast<int32_t>(i);
        const size_t sample = first + i;
        std::ranges::copy(runner.logits(at), logits.begin() + static_cast<ptrdiff_t>((sample * exits + k) * classes));
        if (k + 1 < exits) gates[sample * (exits - 1) + k] = runner.gate(at);
      }
      if (asks) runner.ask(in, static_cast<int32_t>(count), out, b);
    });
  }
  return b.results;
}

}  // namespace sooner
