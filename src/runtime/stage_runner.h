// One stage of a model at work: takes rows through it, asks every row's own policy, gives answers to a sink and moves
// the rows that stay to the next queue. It is the unit that everything which runs a model is made of: a session is one
// for each stage with queues of its own; a server, runners on queues that requests share; tables of every exit,
// comparisons of backends and bare timings drive compute() alone.
//
// Rows of one micro-batch may follow different policies and thresholds: a head is computed for those rows alone that
// need it. It knows no queue but the two it is given, no schedule and no clock: a driver that has deadlines says what
// time it is and what waits (StageTimes).
//
// Not thread-safe: one runner per driving thread, one compiled stage for all.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "core/aligned_buffer.h"
#include "runtime/crew.h"
#include "runtime/result.h"
#include "runtime/row_queue.h"

namespace sooner {

// Threads that share a stage's rows, and the scratch memory that all runners of one driver share.
struct Workers {
  explicit Workers(int32_t members) : crew(members), scratch(static_cast<size_t>(members)) {}
  Crew crew;
  std::vector<AlignedBuffer> scratch;  // by member
};

// What a runner knows of the network around its stage.
struct StagePlace {
  size_t index = 0;        // of the stage and its exit, from 0
  bool last = true;        // nobody goes on
  bool gate = false;       // the exit has one
  int64_t classes = 0;     // 1: the network answers with a number
  double temperature = 1;  // what an answer's probability is told at, where its policy has none of its own
};
StagePlace place_in(const Graph& graph, size_t stage, double temperature = 1);

// Time as a driver tells it, by the clock that its rows began by.
class StageTimes {
 public:
  virtual ~StageTimes() = default;
  // Now. Asked once for every micro-batch, when it has been through the stage.
  virtual double now() = 0;
  // Seconds from then until a row that is let on has its next answer: what it waits before its next stage starts, and
  // that stage with its head. let_on: rows of this micro-batch that go on already. Not asked at the last exit.
  [[nodiscard]] virtual double until_next_answer(int32_t let_on) const = 0;
};

// Called after every step; may read what it wrote.
using StepObserver = std::function<void(const CompiledStage&, size_t step, const StageBatch&, const StageContext&)>;

class StageRunner {
 public:
  // For micro-batches of up to `rows` rows. `stage` and `workers` outlive it.
  StageRunner(const CompiledStage& stage, const StagePlace& place, int32_t rows, Workers& workers);

  // The last `rows` rows of `in`, which leave that queue: who leaves is given to `sink`, who stays goes to the end of
  // `out`. Rows may change their order. times: null where no policy asks for any. Where `out` keeps answers, every row
  // that stays has its own there: what it would be answered if its time were up.
  // REQUIRES: room for them in `out`, whose tensors are this stage's carry_out(). No allocation by our code and no
  // lock. Throws what CompiledStage::run_step throws.
  void run(RowQueue& in, int32_t rows, RowQueue& out, StageTimes* times, AnswerSink& sink);

  // The arithmetic alone: the trunk for the last `rows` rows of `in`, head and gate for the first `heads` of those.
  // Tensors are written behind the rows of `out`, no row is moved or changed. An observer is called for one share of
  // the rows after another. REQUIRES: an observer sees one thread alone.
  void compute(const RowQueue& in, int32_t rows, int32_t heads, RowQueue& out, const StepObserver& observer = {});
  // Of row `row` of those computed last, where the head was: [C], and the gate after its sigmoid (NaN without one) and
  // before.
  [[nodiscard]] std::span<const float> logits(int32_t row) const;
  [[nodiscard]] float gate(int32_t row) const;
  [[nodiscard]] float gate_logit(int32_t row) const { return gate_logits_[static_cast<size_t>(row)]; }
  // After compute() with the head of every row: asks the policies of those rows that are not answered yet, as run()
  // would. Who may leave is given to `sink` and is answered, but goes on like all others. Its MACs are those of run();
  // no clock is read.
  void ask(RowQueue& in, int32_t rows, RowQueue& out, AnswerSink& sink);
  // What compute() computed stays: all those rows go to the end of `out` and leave `in`, nobody is asked.
  static void pass_on(RowQueue& in, int32_t rows, RowQueue& out);

  [[nodiscard]] const CompiledStage& stage() const { return stage_; }
  [[nodiscard]] const StagePlace& place() const { return place_; }

 private:
  // What a thread needs for its share of the rows.
  struct Own {
    std::unique_ptr<StageContext> context;
    std::vector<const std::byte*> src;  // of the rows at hand
    std::vector<std::byte*> dst;
  };
  int32_t order_by_need(RowQueue& in, int32_t rows) const;
  void compute_part(const RowQueue& in, int32_t first, int32_t begin, int32_t end, bool head, RowQueue& out,
                    size_t member, const StepObserver& observer);
  bool leaves(RowQueue& in, int32_t at, int32_t row, RowQueue& out, const StageTimes* times, int32_t let_on,
              AnswerSink& sink);
  [[nodiscard]] Result result_of(const ExitVerdict& verdict, const Row& row, std::span<const float> logits) const;

  const CompiledStage& stage_;
  StagePlace place_;
  Workers& workers_;
  std::vector<Own> own_;  // by member of the crew
  int64_t trunk_macs_ = 0, head_macs_ = 0;
  std::vector<float> logits_;       // [rows, C]
  std::vector<float> gate_logits_;  // [rows]
  std::vector<uint8_t> stays_;      // [rows]
  std::vector<std::byte> state_;    // of the row at hand as it was before it was asked
  double now_ = 0;                  // when the micro-batch at hand had been through the stage
};

}  // namespace sooner
