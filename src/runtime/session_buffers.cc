#include "runtime/session_buffers.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/error.h"

namespace sooner {
namespace {

// Survivors of so many rows are worth waiting for; larger batches bring nothing on one thread.
constexpr int32_t kUsualMicroBatch = 32;
constexpr int32_t kMostThreads = 1024;

int32_t checked_threads(int32_t threads) {
  if (threads < 1 || threads > kMostThreads) {
    fail(Code::kInvalidArgument, "[Session] got {} threads, expected 1 to {}", threads, kMostThreads);
  }
  return threads;
}

std::vector<double> temperatures_of(const Model& model) {
  const Manifest& manifest = model.manifest();
  std::vector<double> temperatures =
      find_policy_at(manifest.policy, manifest.calibrations, to_string(model.precision()))
          .value_or(manifest.policy)
          .temperatures;
  if (temperatures.size() != model.stages()) temperatures.assign(model.stages(), 1.0);
  return temperatures;
}

}  // namespace

SessionBuffers::SessionBuffers(const Model& model, const ExitPolicy& policy, const SessionOptions& options)
    : model_(model),
      lanes_(model.stages()),
      micro_batches_(options.micro_batches),
      temperatures_(temperatures_of(model)),
      workers_(checked_threads(options.threads)),
      clock_(*options.clock),
      tells_times_(options.tells_times),
      stage_seconds_(options.stage_seconds),
      state_bytes_(policy.state_bytes()) {
  if (micro_batches_.empty()) micro_batches_.assign(lanes_.size(), std::min(model.batch_max(), kUsualMicroBatch));
  if (micro_batches_.size() != lanes_.size()) {
    fail(Code::kInvalidArgument, "[Session] got {} micro-batches, expected one for each of {} stages",
         micro_batches_.size(), lanes_.size());
  }
  for (const int32_t rows : micro_batches_) {
    if (rows < 1 || rows > model.batch_max()) {
      fail(Code::kInvalidArgument, "[Session] got a micro-batch of {}, expected 1 to {}, the model's batch_max", rows,
           model.batch_max());
    }
  }
  check_times(policy);
  input = RowQueue::borrowing(model.stage(0).carry_in(), micro_batches_[0]);
  input.reserve_state(state_bytes_);
}

void SessionBuffers::check_times(const ExitPolicy& policy) const {
  if (!policy.needs_times()) return;
  if (stage_seconds_.size() != lanes_.size()) {
    fail(Code::kInvalidArgument,
         "[Session] policy '{}' has a deadline and got {} stage times, expected {}; set stage_seconds to what each "
         "stage takes here",
         policy.name(), stage_seconds_.size(), lanes_.size());
  }
  for (const double seconds : stage_seconds_) {
    if (!(seconds >= 0))
      fail(Code::kInvalidArgument, "[Session] got a stage time of {} s, expected 0 or more", seconds);
  }
}

int32_t SessionBuffers::smallest_micro_batch() const { return *std::ranges::min_element(micro_batches_); }

StageLane& SessionBuffers::reach(size_t k) {
  StageLane& lane = lanes_[k];
  if (lane.runner != nullptr) return lane;
  const CompiledStage& stage = model_.stage(k);
  lane.runner =
      std::make_unique<StageRunner>(stage, place_in(model_.graph(), k, temperatures_[k]), micro_batches_[k], workers_);
  if (k + 1 < lanes_.size()) {
    // Fewer than the next stage's micro-batch wait; this stage adds at most one of its own.
    lane.out = RowQueue(stage.carry_out(), micro_batches_[k] + micro_batches_[k + 1]);
    lane.out.reserve_state(state_bytes_);
    if (has_deadlines_) lane.out.keep_answers(static_cast<size_t>(model_.graph().classes));
  }
  return lane;
}

void SessionBuffers::begin(int64_t n, size_t first, size_t end, const ExitPolicy& own,
                           std::span<const ExitPolicy* const> policies, AnswerSink* sink) {
  reads_clock_ = tells_times_;
  bool deadlines = false;
  const auto look_at = [&](const ExitPolicy& policy) {
    check_times(policy);
    reads_clock_ = reads_clock_ || policy.needs_times();
    deadlines = deadlines || std::isfinite(policy.deadline_seconds());
    state_bytes_ = std::max(state_bytes_, policy.state_bytes());
  };
  look_at(own);
  const ExitPolicy* before = &own;
  for (const ExitPolicy* policy : policies) {
    if (policy == nullptr) fail(Code::kInvalidArgument, "[Session] got no policy for a sample");
    if (policy != std::exchange(before, policy)) look_at(*policy);
  }
  has_deadlines_ = deadlines;
  const auto prepare = [&](RowQueue& queue) {
    queue.clear();
    queue.reserve_state(state_bytes_);
    if (deadlines) queue.keep_answers(static_cast<size_t>(model_.graph().classes));
  };
  prepare(input);
  for (StageLane& lane : lanes_) prepare(lane.out);
  results.assign(static_cast<size_t>(n), Result{});
  result_logits.assign(static_cast<size_t>(n) * static_cast<size_t>(model_.graph().classes), 0);
  sink_ = sink;
  entry_ = first;
  end_ = end;
  batches_to_come = 0;
  if (reads_clock_) now_ = clock_.seconds();
}

void SessionBuffers::take(uint64_t id, const Result& result, std::span<const float> logits) {
  const auto sample = static_cast<size_t>(id);
  results[sample] = result;
  std::ranges::copy(logits, result_logits.begin() + static_cast<ptrdiff_t>(sample * logits.size()));
  if (sink_ != nullptr) sink_->take(name_of(id), result, logits);
}

double SessionBuffers::now() {
  now_ = clock_.seconds();
  promised_ = promised_seconds(stage_ + 1);
  return now_;
}

// Of the work that is certain to be done: what has not entered yet, and what waits for any stage but one.
double SessionBuffers::promised_seconds(size_t without) const {
  if (stage_seconds_.empty()) return 0;
  double seconds = static_cast<double>(batches_to_come) * stage_seconds_[entry_];
  for (size_t k = 1; k < end_; ++k) {
    // The rows at hand still stand in their queue, but are done.
    const int32_t waiting = lanes_[k - 1].out.size() - (k == stage_ ? at_hand_ : 0);
    const int32_t batches = (waiting + micro_batches_[k] - 1) / micro_batches_[k];
    if (k != without) seconds += stage_seconds_[k] * batches;
  }
  return seconds;
}

double SessionBuffers::until_next_answer(int32_t let_on) const {
  const size_t next = stage_ + 1;
  if (stage_seconds_.empty()) return std::numeric_limits<double>::quiet_NaN();
  if (next >= end_) return promised_ + stage_seconds_[next];  // behind a cut, once this call is over
  // Rows that wait for the next stage share its micro-batches with those let on.
  const int32_t waiting = lanes_[stage_].out.size() + let_on;
  const int32_t batches = waiting / micro_batches_[next] + 1;
  return promised_ + stage_seconds_[next] * batches;
}

bool SessionBuffers::too_late(const Row& row, size_t k, int64_t batches_before) const {
  return now_ - row.began + static_cast<double>(batches_before + 1) * stage_seconds_[k] > row.deadline;
}

// Who waits and could not have its next answer in time, even if its stage began now, is answered with what it has.
void SessionBuffers::look_again() {
  for (size_t k = 0; k + 1 < lanes_.size(); ++k) {
    RowQueue& waiting = lanes_[k].out;
    for (int32_t at = waiting.size(); at-- > 0;) {
      if (waiting.answer(at).exit_index < 0 || !too_late(waiting.row(at), k + 1, 0)) continue;
      answer_with(waiting.id(at), waiting.row(at), waiting.answer(at), waiting.answer_logits(at));
      waiting.remove(at);
    }
  }
}

void SessionBuffers::answer_with(uint64_t id, const Row& row, Result answer, std::span<const float> logits) {
  answer.macs = row.macs;
  answer.elapsed_seconds = now_ - row.began;
  take(id, answer, logits);
}

void SessionBuffers::advance(size_t k, int32_t rows) {
  StageLane& lane = reach(k);
  stage_ = k;
  at_hand_ = rows;
  lane.runner->run(queue_before(k), rows, lane.out, reads_clock_ ? this : nullptr, *this);
  if (has_deadlines_) look_again();
}

void SessionBuffers::work_off(size_t k, bool everything) {
  if (k >= end_) return;
  const RowQueue& waiting = lanes_[k - 1].out;
  while (waiting.size() >= micro_batches_[k] || (everything && waiting.size() > 0)) {
    advance(k, std::min(waiting.size(), micro_batches_[k]));
    work_off(k + 1, false);
  }
  if (everything) work_off(k + 1, true);
}

}  // namespace sooner
