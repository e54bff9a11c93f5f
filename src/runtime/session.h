// Runs one model on one thread with real early exits: after each exit the policy decides per sample, those that leave
// are finished, the others are compacted and only they are computed further.
//
// Survivors wait before each stage until they fill its micro-batch, so that late stages compute as many rows at once as
// early ones; when the input ends, what waits is worked off. Waiting changes nobody's answer: a sample's bits do not
// depend on its batch-mates.
// A deadline is the exception: its decisions follow the clock, and time runs from the call that brings a sample (`run`,
// `resume`, or the block of a group's run it is in).
//
// Not thread-safe: one session per caller's thread, one Model for all.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "policy/exit_policy.h"
#include "runtime/model.h"

namespace sooner {

struct Result {
  // The policy's answer: the argmax of the logits at the exit taken, or of the surest or all exits so far; 0 for a
  // number.
  int32_t label = -1;
  int32_t exit_index = -1;
  Left left = Left::kStays;  // why it left; kStays only for samples that were handed on at a cut
  float score = 0;           // the policy's score there; of the surest exit so far, where that answers
  // Of `label`: the policy's own, else the softmax at the model's temperature for that exit; NaN for a number.
  float probability = 0;
  // The answer of a network that answers with a number, in its unit; NaN elsewhere.
  float number = std::numeric_limits<float>::quiet_NaN();
};

struct SessionOptions {
  // Rows stage k is given at once, [K], each 1 to the model's batch_max (micro_batches.h measures them); empty: a
  // guess.
  std::vector<int32_t> micro_batches = {};
  // That share the rows of every stage (session_group.h is the other way). Answers do not depend on it.
  int32_t threads = 1;
  // For policies with a deadline, [K]: seconds stage k and its head take for a micro-batch on this machine. No other
  // policy asks for times.
  std::vector<double> stage_seconds = {};
  // Seconds since any fixed moment, read once when a run begins and once for every micro-batch after a stage; empty:
  // the steady clock. Never read without a deadline.
  std::function<double()> clock = {};
};

class Session {
 public:
  // The policy is shared, not copied. Throws kInvalidArgument.
  Session(std::shared_ptr<const Model> model, std::shared_ptr<const ExitPolicy> policy,
          const SessionOptions& options = {});
  // With the model's default policy, as calibrated for the model's precision. Throws kFailedPrecondition when its
  // thresholds were chosen for another one alone.
  explicit Session(std::shared_ptr<const Model> model, const SessionOptions& options = {});
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Answers n samples. input: preprocessed floats [n, C, H, W], any n >= 0. The result span lives until the next call.
  // Blocking. No allocation by our code, and no lock, once a call has had this many samples and stages are compiled.
  // Throws kInvalidArgument when input.size() != n * C * H * W.
  std::span<const Result> run(std::span<const float> input, int64_t n);

  // The same through stage `cut` only. Who is not answered by then is appended to `carried` (carried_rows.h), for
  // `resume` here or in another process. Throws kInvalidArgument unless cut < K - 1.
  std::span<const Result> run_to_cut(std::span<const float> input, int64_t n, size_t cut,
                                     std::vector<std::byte>& carried);

  // Goes on where another session stopped: results in the order of the rows carried. Throws kDataLoss for bytes that
  // are damaged, kFailedPrecondition naming the model, backend, precision or policy they belong to when it is another.
  std::span<const Result> resume(std::span<const std::byte> carried);
  // Through stage `cut`, which lies behind the one the rows come from.
  std::span<const Result> resume_to_cut(std::span<const std::byte> carried, size_t cut,
                                        std::vector<std::byte>& carried_on);

  // Logits at the exit each sample took, [n, classes], of the latest run; zeros for samples handed on.
  [[nodiscard]] std::span<const float> logits() const;

  // For logit tables: every exit's logits [n, K, classes] and gates [n, K-1] (sigmoid; NaN without gate) of n samples,
  // nobody leaves.
  void run_all_exits(std::span<const float> input, int64_t n, std::span<float> logits, std::span<float> gates);

 private:
  struct Buffers;
  struct Lane;
  void begin(int64_t n);
  void answer(const float* input, int64_t n, size_t stages);
  void answer_carried(std::span<const std::byte> carried, size_t stages);
  Lane& reach(size_t k);
  void advance(size_t k, int32_t rows);
  void work_off(size_t k, size_t stages, bool everything);
  void compute(size_t k, int32_t rows, bool with_head);
  void compute_part(size_t k, int32_t begin, int32_t end, int32_t rows, bool with_head, size_t member);
  bool leaves(size_t k, int32_t row, int32_t rows);
  void settle(size_t k, int32_t rows, bool answers);
  void hand_on(size_t cut, std::vector<std::byte>& carried);

  std::shared_ptr<const Model> model_;
  std::shared_ptr<const ExitPolicy> policy_;
  std::unique_ptr<Buffers> buffers_;
};

}  // namespace sooner
