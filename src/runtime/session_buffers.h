// The memory and the schedule of one session: its runners, the queues between them, which stage runs next, and what
// time that leaves. No arithmetic, no decision.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/pixel_table.h"
#include "runtime/every_exit.h"
#include "runtime/model.h"
#include "runtime/session_options.h"

namespace sooner {

// What a call brings: one of both.
struct SessionInput {
  const float* numbers = nullptr;
  const uint8_t* pixels = nullptr;
};

// K: stages; C: classes.
class SessionBuffers final : public AnswerSink, public StageTimes {
 public:
  SessionBuffers(const Model& model, const ExitPolicy& policy, const SessionOptions& options);

  // Stage k with what it needs, made when it is first wanted.
  StageLane& reach(size_t k);
  // Results, queues and time for n samples that go through stages `first` to `end` - 1; `own` or `policies` decide
  // about them.
  void begin(int64_t n, size_t first, size_t end, const ExitPolicy& own, std::span<const ExitPolicy* const> policies,
             AnswerSink* sink);
  // Takes the last `rows` rows that wait for stage k through it.
  void advance(size_t k, int32_t rows);
  // Runs stages from k on as long as their micro-batches are full, or until nobody waits.
  void work_off(size_t k, bool everything);
  // Whether a row that waits for stage k, behind so many of its micro-batches, would have its answer too late.
  [[nodiscard]] bool too_late(const Row& row, size_t k, int64_t batches_before) const;
  // A row that went no further than what it has.
  void answer_with(uint64_t id, const Row& row, Result answer, std::span<const float> logits);

  // AnswerSink: a sample of the call at hand leaves.
  void take(uint64_t id, const Result& result, std::span<const float> logits) override;
  // StageTimes, of the stage at hand.
  double now() override;
  [[nodiscard]] double until_next_answer(int32_t let_on) const override;

  [[nodiscard]] RowQueue& queue_before(size_t k) { return k == 0 ? input : lanes_[k - 1].out; }
  [[nodiscard]] std::span<StageLane> lanes() { return lanes_; }
  [[nodiscard]] int32_t micro_batch(size_t k) const { return micro_batches_[k]; }
  [[nodiscard]] int32_t smallest_micro_batch() const;
  [[nodiscard]] bool reads_clock() const { return reads_clock_; }
  [[nodiscard]] bool has_deadlines() const { return has_deadlines_; }
  [[nodiscard]] double time() const { return now_; }  // when it was last read

  // What the sink and carried rows call a sample of the call at hand.
  [[nodiscard]] uint64_t name_of(uint64_t id) const { return names.empty() ? id : names[static_cast<size_t>(id)]; }

  RowQueue input;                    // stage 0's rows
  std::vector<uint64_t> names;       // of the samples of the call at hand; empty: 0, 1, …
  std::optional<PixelTable> pixels;  // made when the first pictures come as bytes
  int64_t batches_to_come = 0;       // micro-batches of the call at hand that have not entered it yet

  // Of the whole call; grow with the largest one seen.
  std::vector<Result> results;
  std::vector<float> result_logits;  // [samples, C]

 private:
  [[nodiscard]] double promised_seconds(size_t without) const;
  void look_again();
  void check_times(const ExitPolicy& policy) const;

  const Model& model_;
  std::vector<StageLane> lanes_;        // [K]
  std::vector<int32_t> micro_batches_;  // [K]
  std::vector<double> temperatures_;    // [K]
  Workers workers_;
  const Clock& clock_;
  bool tells_times_;
  std::vector<double> stage_seconds_;  // [K]; empty: not told
  size_t state_bytes_ = 0;             // of a row
  AnswerSink* sink_ = nullptr;         // of the caller
  bool reads_clock_ = false, has_deadlines_ = false;
  double now_ = 0;
  size_t entry_ = 0, end_ = 0;  // the stages that the call at hand goes through
  size_t stage_ = 0;            // at hand
  int32_t at_hand_ = 0;         // rows that are being taken through it
  double promised_ = 0;         // seconds of all work that has been promised but that of the stage after it
};

}  // namespace sooner
