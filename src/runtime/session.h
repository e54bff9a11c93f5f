// Runs one model on one thread with real early exits: after each exit the policy decides per sample, those that leave
// are finished, the others are compacted and only they are computed further. It is a runner for each stage
// (stage_runner.h) with a queue of its own behind each.
//
// Survivors wait before each stage until they fill its micro-batch, so that late stages compute as many rows at once as
// early ones; when the input ends, what waits is worked off. Waiting changes nobody's answer: a sample's bits do not
// depend on its batch-mates.
// A deadline is the exception: its decisions follow the clock, and time runs from the call that brings a sample (`run`,
// or the block of a group's run it is in) and goes on in the session that takes the sample up behind a cut. A sample is
// let on only where everything that is promised by then, the rest of the call's first stages included, and its own next
// stage fit before its deadline; who waits is looked at again whenever a micro-batch has been through a stage, and
// answered with what it has where its next stage would come too late. So as long as stages take as long as
// SessionOptions::stage_seconds says, no answer comes after its deadline but one whose first exit does.
//
// Not thread-safe: one session per caller's thread, one Model for all.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "policy/exit_policy.h"
#include "runtime/model.h"
#include "runtime/result.h"
#include "runtime/session_options.h"

namespace sooner {

// Of one call; spans are read during the call alone.
struct RunOptions {
  std::span<const uint64_t> ids = {};  // [n]: what the sink and carried rows call the samples; empty: 0 to n - 1
  // [n]: the policy of every sample, all made for this model; empty: the session's own for all.
  std::span<const ExitPolicy* const> policies = {};
  AnswerSink* sink = nullptr;  // is given every answer as its sample leaves, beside the results
};

struct ResumeOptions {
  // That rows may follow beside the session's own.
  std::span<const ExitPolicy* const> policies = {};
  AnswerSink* sink = nullptr;
};

// session_buffers.h
class SessionBuffers;
struct SessionInput;

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
  // Throws kInvalidArgument when input.size() != n * C * H * W, or where a deadline lacks stage times.
  std::span<const Result> run(std::span<const float> input, int64_t n, const RunOptions& options = {});

  // The same for pictures as they are, [n, C, H, W] bytes: what preprocess (format/preprocess.h) makes of them is made
  // for one micro-batch at a time, with the same bits.
  std::span<const Result> run_pixels(std::span<const uint8_t> pixels, int64_t n, const RunOptions& options = {});

  // The same through stage `cut` only. Who is not answered by then is appended to `carried` (carried_rows.h), for
  // `resume` here or in another process. Throws kInvalidArgument unless cut < K - 1.
  std::span<const Result> run_to_cut(std::span<const float> input, int64_t n, size_t cut,
                                     std::vector<std::byte>& carried, const RunOptions& options = {});

  // Goes on where another session stopped: results in the order of the rows carried. Throws kDataLoss for bytes that
  // are damaged, kFailedPrecondition naming the model, backend, precision or policy they belong to when it is another.
  // A policy is known by its fingerprint; a deadline goes on with what is left of it.
  std::span<const Result> resume(std::span<const std::byte> carried, const ResumeOptions& options = {});
  // Through stage `cut`, which lies behind the one the rows come from.
  std::span<const Result> resume_to_cut(std::span<const std::byte> carried, size_t cut,
                                        std::vector<std::byte>& carried_on, const ResumeOptions& options = {});

  // Logits at the exit each sample took, [n, classes], of the latest run; zeros for samples handed on.
  [[nodiscard]] std::span<const float> logits() const;

  // For logit tables: every exit's logits [n, K, classes] and gates [n, K-1] (sigmoid; NaN without gate) of n samples,
  // nobody leaves. The results are those of `run`, to the bit and the MAC, at no further cost: what the policy decides
  // is told while everything is computed. None where it looks at the clock: what it would see is not what `run` takes.
  std::span<const Result> run_all_exits(std::span<const float> input, int64_t n, std::span<float> logits,
                                        std::span<float> gates);

 private:
  static void check_input(size_t size, std::string_view of, int64_t n, const Shape& shape);
  void run_through(const SessionInput& input, int64_t n, size_t stages, const RunOptions& options);
  void answer_carried(std::span<const std::byte> carried, size_t stages, const ResumeOptions& options);
  void hand_on(size_t cut, std::vector<std::byte>& carried);

  std::shared_ptr<const Model> model_;
  std::shared_ptr<const ExitPolicy> policy_;
  std::unique_ptr<SessionBuffers> buffers_;
};

}  // namespace sooner
