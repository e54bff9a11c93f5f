// The half of a session that hands rows on at a cut and goes on with those of another.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "core/error.h"
#include "core/hash.h"
#include "runtime/carried_rows.h"
#include "runtime/session.h"
#include "runtime/session_buffers.h"

namespace sooner {
namespace {

void check_cut(size_t cut, size_t after, size_t exits) {
  if (cut < after || cut + 1 >= exits) {
    fail(Code::kInvalidArgument, "[Session] got a cut after stage {}, expected one of stages {} to {} of {}", cut,
         after, static_cast<int64_t>(exits) - 2, exits);
  }
}

// That the rows were made by the same computation as this model's.
void check_origin(const CarriedRows& rows, const Model& model) {
  const auto expect = [](std::string_view what, std::string_view theirs, std::string_view ours) {
    if (theirs == ours) return;
    fail(Code::kFailedPrecondition, "[Session::resume] the rows belong to {} '{}', this session has '{}'", what, theirs,
         ours);
  };
  expect("backend", rows.backend, model.backend_name());
  expect("precision", rows.precision, to_string(model.precision()));
  expect(model.precision() == Precision::kInt8 ? "model and quantisation" : "model", rows.model_hash,
         model.rows_hash());
}

// The policies that the rows follow, in their list's order.
std::vector<const ExitPolicy*> find_policies(const CarriedRows& rows, const ExitPolicy& own,
                                             std::span<const ExitPolicy* const> others) {
  std::vector<const ExitPolicy*> found;
  for (const CarriedPolicy& theirs : rows.policies) {
    const auto is_theirs = [&](const ExitPolicy* policy) {
      return policy != nullptr && policy->fingerprint() == theirs.fingerprint &&
             policy->state_bytes() == theirs.state_bytes;
    };
    const auto other = std::ranges::find_if(others, is_theirs);
    if (!is_theirs(&own) && other == others.end()) {
      if (theirs.name != own.name()) {
        fail(Code::kFailedPrecondition, "[Session::resume] the rows belong to policy '{}', this session has '{}'",
             theirs.name, own.name());
      }
      fail(
          Code::kFailedPrecondition,
          "[Session::resume] the rows belong to a policy '{}' of fingerprint {}, this session has one of {}; make both "
          "of the same specification",
          theirs.name, hash_hex(theirs.fingerprint), hash_hex(own.fingerprint()));
    }
    found.push_back(is_theirs(&own) ? &own : *other);
  }
  return found;
}

void check_rows(const CarriedRows& rows, const Model& model, std::span<const CarryTensor> tensors) {
  bool fits = tensors.size() == rows.tensors.size() &&
              (rows.classes == 0 || rows.classes == static_cast<uint64_t>(model.graph().classes));
  for (size_t t = 0; fits && t < tensors.size(); ++t) {
    fits = rows.tensors[t].node == static_cast<uint32_t>(tensors[t].node) &&
           rows.tensors[t].row_bytes == tensors[t].row_bytes;
  }
  if (fits) return;
  fail(Code::kFailedPrecondition, "[Session::resume] the rows hold other values than cross the cut after stage {} here",
       rows.stage);
}

}  // namespace

std::span<const Result> Session::run_to_cut(std::span<const float> input, int64_t n, size_t cut,
                                            std::vector<std::byte>& carried, const RunOptions& options) {
  check_input(input.size(), "floats", n, model_->graph().input_shape);
  check_cut(cut, 0, model_->stages());
  buffers_->reach(cut).out.reserve(static_cast<int32_t>(n) + buffers_->micro_batch(cut));
  run_through({.numbers = input.data()}, n, cut + 1, options);
  hand_on(cut, carried);
  return buffers_->results;
}

std::span<const Result> Session::resume(std::span<const std::byte> carried, const ResumeOptions& options) {
  answer_carried(carried, model_->stages(), options);
  return buffers_->results;
}

std::span<const Result> Session::resume_to_cut(std::span<const std::byte> carried, size_t cut,
                                               std::vector<std::byte>& carried_on, const ResumeOptions& options) {
  check_cut(cut, 1, model_->stages());
  answer_carried(carried, cut + 1, options);
  hand_on(cut, carried_on);
  return buffers_->results;
}

void Session::hand_on(size_t cut, std::vector<std::byte>& carried) {
  const SessionBuffers& b = *buffers_;
  const RowQueue& out = buffers_->lanes()[cut].out;
  CarriedRows rows;
  rows.stage = static_cast<uint32_t>(cut);
  rows.model_hash = model_->rows_hash();
  rows.precision = to_string(model_->precision());
  rows.backend = model_->backend_name();
  rows.classes = b.has_deadlines() ? static_cast<uint32_t>(model_->graph().classes) : 0;
  std::map<const ExitPolicy*, uint32_t> places;
  const auto place_of = [&](const ExitPolicy* policy) {
    const auto [known, is_new] = places.try_emplace(policy, static_cast<uint32_t>(places.size()));
    if (is_new) {
      rows.policies.push_back({policy->fingerprint(), policy->state_bytes(), std::string(policy->name())});
    }
    return known->second;
  };
  for (int32_t at = 0; at < out.size(); ++at) {
    const Row& row = out.row(at);
    const double spent = b.time() - row.began;
    rows.rows.push_back({.id = b.name_of(out.id(at)),
                         .policy = place_of(row.policy),
                         .macs = row.macs,
                         .spent_seconds = spent,
                         .left_seconds = row.deadline - spent});
    rows.states.push_back(out.state(at));
    if (rows.classes == 0) continue;
    rows.answers.push_back(out.answer(at));
    rows.logits.push_back(std::as_bytes(out.answer_logits(at)));
  }
  const auto n = static_cast<size_t>(out.size());
  const std::span<const CarryTensor> tensors = model_->stage(cut).carry_out();
  for (size_t t = 0; t < tensors.size(); ++t) {
    rows.tensors.push_back({static_cast<uint32_t>(tensors[t].node),
                            tensors[t].row_bytes,
                            {n > 0 ? out.source(t, 0) : nullptr, n * tensors[t].row_bytes}});
  }
  append_carried(rows, carried);
}

// Goes on with carried rows through stage `stages` - 1.
void Session::answer_carried(std::span<const std::byte> carried, size_t stages, const ResumeOptions& options) {
  const CarriedRows rows = parse_carried(carried);
  check_origin(rows, *model_);
  const std::vector<const ExitPolicy*> policies = find_policies(rows, *policy_, options.policies);
  if (rows.stage + 1 >= stages) {
    fail(Code::kFailedPrecondition,
         "[Session::resume] the rows come from the cut after stage {}, expected one of stages 0 to {}", rows.stage,
         static_cast<int64_t>(stages) - 2);
  }
  const size_t k = rows.stage, next = k + 1;
  SessionBuffers& b = *buffers_;
  const std::span<const CarryTensor> tensors = b.reach(k).runner->stage().carry_out();
  check_rows(rows, *model_, tensors);
  const auto n = static_cast<int32_t>(rows.rows.size());
  if (stages < model_->stages()) b.reach(stages - 1).out.reserve(n + b.micro_batch(stages - 1));
  b.begin(n, next, stages, *policy_, policies, options.sink);
  b.names.clear();
  for (const CarriedRow& row : rows.rows) b.names.push_back(row.id);
  RowQueue& waiting = b.queue_before(next);
  const bool has_answers = rows.classes > 0 && b.has_deadlines();
  std::vector<uint8_t> answered(rows.rows.size());
  const auto row_at = [&, began = b.time()](size_t at) {
    const CarriedRow& theirs = rows.rows[at];
    Row row = Row::beginning(*policies[theirs.policy], began);
    row.macs = theirs.macs;
    if (b.reads_clock()) {
      row.began -= theirs.spent_seconds;
      row.deadline = theirs.spent_seconds + theirs.left_seconds;
    }
    return row;
  };
  // Nobody waits for a stage that would come too late.
  int64_t let_on = 0;
  for (size_t at = 0; at < rows.rows.size(); ++at) {
    const int64_t batches_before = let_on++ / b.micro_batch(next);
    if (!has_answers || rows.answers[at].exit_index < 0) continue;
    const Row row = row_at(at);
    if (!b.too_late(row, next, batches_before)) continue;
    --let_on;
    answered[at] = 1;
    std::vector<float> logits(rows.classes);
    std::memcpy(logits.data(), rows.logits[at].data(), rows.logits[at].size());
    b.answer_with(at, row, rows.answers[at], logits);
  }
  for (size_t at = 0; at < rows.rows.size(); ++at) {
    if (answered[at] != 0) continue;
    const int32_t place = waiting.push(at, row_at(at));
    for (size_t t = 0; t < tensors.size(); ++t) {
      std::memcpy(waiting.tensor(t, place), rows.tensors[t].rows.data() + at * tensors[t].row_bytes,
                  tensors[t].row_bytes);
    }
    std::ranges::copy(rows.states[at], waiting.state(place).begin());
    if (has_answers) {
      waiting.answer(place) = rows.answers[at];
      std::memcpy(waiting.answer_logits(place).data(), rows.logits[at].data(), rows.logits[at].size());
    }
    --let_on;
    b.batches_to_come = (let_on + b.micro_batch(next) - 1) / b.micro_batch(next);
    if (waiting.size() >= b.micro_batch(next)) b.work_off(next, false);
  }
  b.work_off(next, true);
}

}  // namespace sooner
