#include "runtime/stage_runner.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "backend/common/memory_limit.h"
#include "core/error.h"
#include "policy/scores.h"

namespace sooner {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

float sigmoid(float x) { return static_cast<float>(1 / (1 + std::exp(-static_cast<double>(x)))); }

}  // namespace

StagePlace place_in(const Graph& graph, size_t stage, double temperature) {
  return {.index = stage,
          .last = stage + 1 == graph.exits(),
          .gate = graph.stages[stage].exit.gate.has_value(),
          .classes = graph.classes,
          .temperature = temperature};
}

StageRunner::StageRunner(const CompiledStage& stage, const StagePlace& place, int32_t rows, Workers& workers)
    : stage_(stage),
      place_(place),
      workers_(workers),
      own_(workers.scratch.size()),
      logits_(static_cast<size_t>(rows) * static_cast<size_t>(place.classes)),
      gate_logits_(static_cast<size_t>(rows)),
      stays_(static_cast<size_t>(rows)) {
  expect_memory("StageRunner", static_cast<double>(stage.scratch_bytes()) * static_cast<double>(own_.size()));
  for (size_t member = 0; member < own_.size(); ++member) {
    own_[member].context = stage.make_context();
    own_[member].src.resize(stage.carry_in().size());
    own_[member].dst.resize(stage.carry_out().size());
    AlignedBuffer& scratch = workers.scratch[member];
    if (stage.scratch_bytes() > scratch.size()) scratch = AlignedBuffer(stage.scratch_bytes());
  }
  for (const StepInfo& step : stage.steps()) (step.head ? head_macs_ : trunk_macs_) += step.macs;
}

std::span<const float> StageRunner::logits(int32_t row) const {
  const auto classes = static_cast<size_t>(place_.classes);
  return std::span(logits_).subspan(static_cast<size_t>(row) * classes, classes);
}

float StageRunner::gate(int32_t row) const {
  return place_.gate ? sigmoid(gate_logit(row)) : std::numeric_limits<float>::quiet_NaN();
}

void StageRunner::compute(const RowQueue& in, int32_t rows, int32_t heads, RowQueue& out,
                          const StepObserver& observer) {
  SOONER_ASSERT(rows <= in.size() && static_cast<size_t>(rows) <= stays_.size());
  const int32_t first = in.size() - rows;
  Crew& crew = workers_.crew;
  const auto part = [&](int32_t begin, int32_t end, size_t member) {
    const int32_t border = std::clamp(heads, begin, end);
    compute_part(in, first, begin, border, true, out, member, observer);
    compute_part(in, first, border, end, false, out, member, observer);
  };
  if (crew.members() == 1 || rows == 1) return part(0, rows, 0);
  crew.run([&](int32_t member) {
    const auto share = [&](int32_t of) { return static_cast<int32_t>(int64_t{rows} * of / crew.members()); };
    part(share(member), share(member + 1), static_cast<size_t>(member));
  });
}

// Rows `begin` to `end` of those behind `first`, as many at a time as the stage likes best.
void StageRunner::compute_part(const RowQueue& in, int32_t first, int32_t begin, int32_t end, bool head, RowQueue& out,
                               size_t member, const StepObserver& observer) {
  Own& own = own_[member];
  own.context->scratch = workers_.scratch[member].bytes();
  const std::span<const StepInfo> steps = stage_.steps();
  const auto classes = static_cast<size_t>(place_.classes);
  const int32_t rows_at_once = std::max(1, stage_.rows_at_once());
  StageBatch batch;
  batch.src = own.src;
  batch.dst = own.dst;
  for (int32_t done = begin; done < end; done += batch.n) {
    batch.n = std::min(rows_at_once, end - done);
    const auto offset = static_cast<size_t>(done);
    batch.samples = in.ids().subspan(static_cast<size_t>(first + done), static_cast<size_t>(batch.n));
    for (size_t t = 0; t < own.src.size(); ++t) own.src[t] = in.source(t, first + done);
    for (size_t t = 0; t < own.dst.size(); ++t) own.dst[t] = out.tensor(t, out.size() + done);
    batch.logits = logits_.data() + offset * classes;
    batch.gate_logits = gate_logits_.data() + offset;
    for (size_t i = 0; i < steps.size(); ++i) {
      if (steps[i].head && !head) break;
      stage_.run_step(i, batch, *own.context);
      if (observer) observer(stage_, i, batch, *own.context);
    }
  }
}

// Brings those of the last `rows` rows that need this exit's answer before the others; gives how many they are.
int32_t StageRunner::order_by_need(RowQueue& in, int32_t rows) const {
  if (place_.last) return rows;
  const auto exit = static_cast<int32_t>(place_.index);
  const int32_t first = in.size() - rows;
  const ExitPolicy* const policy = in.row(first).policy;
  int32_t same = 1;
  while (same < rows && in.row(first + same).policy == policy) ++same;
  if (same == rows) return policy->needs_exit(exit) ? rows : 0;
  const auto needs = [&](int32_t row) { return in.row(first + row).policy->needs_exit(exit); };
  int32_t begin = 0, end = rows;
  while (true) {
    while (begin < end && needs(begin)) ++begin;
    while (begin < end && !needs(end - 1)) --end;
    if (begin == end) return begin;
    in.swap(first + begin++, first + --end);
  }
}

Result StageRunner::result_of(const ExitVerdict& verdict, const Row& row, std::span<const float> logits) const {
  Result result;
  result.label = answered_label(verdict, logits);
  result.exit_index = static_cast<int32_t>(place_.index);
  result.left = verdict.left;
  result.score = verdict.score;
  result.macs = row.macs;
  if (place_.classes == 1) {
    result.number = logits[0];
    result.probability = std::numeric_limits<float>::quiet_NaN();
  } else {
    result.probability = std::isnan(verdict.probability) ? softmax_probability(logits, result.label, place_.temperature)
                                                         : verdict.probability;
  }
  return result;
}

// Asks the policy of row `at` of `in`, which is row `row` of the micro-batch.
bool StageRunner::leaves(RowQueue& in, int32_t at, int32_t row, RowQueue& out, const StageTimes* times, int32_t let_on,
                         AnswerSink& sink) {
  const Row& sample = in.row(at);
  const std::span<const float> own_logits = logits(row);
  const std::span<std::byte> state = in.state(at);
  ExitObservation observation{.exit_index = static_cast<int32_t>(place_.index), .logits = own_logits};
  if (times != nullptr) {
    observation.elapsed_seconds = now_ - sample.began;
    observation.next_stage_seconds = place_.last ? 0 : times->until_next_answer(let_on);
    observation.deadline_seconds = sample.deadline;
  }
  if (place_.gate) observation.gate = gate(row);
  const bool keeps = !place_.last && out.answer_classes() > 0 && in.answer_classes() > 0;
  if (keeps) {
    state_.assign(state.begin(), state.end());
  }
  ExitVerdict verdict = sample.policy->decide(observation, state);
  if (place_.last && !verdict.leaves()) verdict.left = Left::kAtLastExit;
  if (verdict.leaves()) {
    Result result = result_of(verdict, sample, own_logits);
    if (times != nullptr) result.elapsed_seconds = observation.elapsed_seconds;
    sink.take(in.id(at), result, own_logits);
    return true;
  }
  if (!keeps) return false;
  // What it would be answered if its time were up.
  observation.elapsed_seconds = kInfinity;
  ExitVerdict forced = sample.policy->decide(observation, state_);
  if (!forced.leaves()) forced.left = Left::kByDeadline;
  in.answer(at) = result_of(forced, sample, own_logits);
  std::ranges::copy(own_logits, in.answer_logits(at).begin());
  return false;
}

void StageRunner::run(RowQueue& in, int32_t rows, RowQueue& out, StageTimes* times, AnswerSink& sink) {
  const int32_t heads = order_by_need(in, rows);
  compute(in, rows, heads, out);
  if (times != nullptr) now_ = times->now();
  const int32_t in_first = in.size() - rows, out_first = out.size();
  int32_t let_on = 0;
  for (int32_t row = 0; row < rows; ++row) {
    in.row(in_first + row).macs += row < heads ? trunk_macs_ + head_macs_ : trunk_macs_;
    const bool stays = row >= heads || !leaves(in, in_first + row, row, out, times, let_on, sink);
    stays_[static_cast<size_t>(row)] = stays ? 1 : 0;
    let_on += stays ? 1 : 0;
  }
  // The last of those that stay fill the places of those that left, so that as few as possible are moved.
  const auto stays = [&](int32_t row) { return stays_[static_cast<size_t>(row)] != 0; };
  for (int32_t place = 0, end = rows;; ++place) {
    while (place < end && !stays(end - 1)) --end;
    if (place == end) break;
    const int32_t row = stays(place) ? place : --end;
    out.move_tensors(out_first + row, out_first + place);
    out.push_from(in, in_first + row);
  }
  in.drop_last(rows);
}

void StageRunner::ask(RowQueue& in, int32_t rows, RowQueue& out, AnswerSink& sink) {
  const int32_t first = in.size() - rows;
  for (int32_t row = 0; row < rows; ++row) {
    Row& sample = in.row(first + row);
    if (sample.answered) continue;
    const bool asked = place_.last || sample.policy->needs_exit(static_cast<int32_t>(place_.index));
    sample.macs += asked ? trunk_macs_ + head_macs_ : trunk_macs_;
    sample.answered = asked && leaves(in, first + row, row, out, nullptr, 0, sink);
  }
}

void StageRunner::pass_on(RowQueue& in, int32_t rows, RowQueue& out) {
  for (int32_t at = in.size() - rows; at < in.size(); ++at) out.push_from(in, at);
  in.drop_last(rows);
}

}  // namespace sooner
