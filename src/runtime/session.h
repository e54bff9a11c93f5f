// Runs one model on one thread with real early exits: after each exit the policy decides per sample, those that leave
// are finished, the others are compacted and only they are computed further.
//
// All buffers are allocated by the constructor. Not thread-safe: one session per thread, one Model for all.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "policy/exit_policy.h"
#include "runtime/model.h"

namespace sooner {

struct Result {
  int32_t label = -1;  // argmax of the logits at the exit taken
  int32_t exit_index = -1;
  Left left = Left::kStays;  // why it left; never kStays in a result
  float score = 0;           // the policy's score there
  float probability = 0;     // softmax probability of `label`, at the model's temperature for that exit
};

class Session {
 public:
  // The policy is shared, not copied. Throws kInvalidArgument.
  Session(std::shared_ptr<const Model> model, std::shared_ptr<const ExitPolicy> policy);
  // With the model's default policy, as calibrated for the model's precision. Throws kFailedPrecondition when its
  // thresholds were chosen for another one alone.
  explicit Session(std::shared_ptr<const Model> model);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Answers n samples. input: preprocessed floats [n, C, H, W]. Any n >= 0; larger inputs are worked off in batches of
  // model.batch_max(). The result span lives until the next call. Blocking. No allocation by our code once a call has
  // had this many samples. Throws kInvalidArgument when input.size() != n * C * H * W.
  std::span<const Result> run(std::span<const float> input, int64_t n);

  // Logits at the exit each sample took, [n, classes], of the latest run.
  [[nodiscard]] std::span<const float> logits() const;

  // For logit tables: every exit's logits [n, K, classes] and gates [n, K-1] (sigmoid; NaN without gate) of n samples,
  // nobody leaves.
  void run_all_exits(std::span<const float> input, int64_t n, std::span<float> logits, std::span<float> gates);

 private:
  struct Buffers;
  void run_batch(const float* input, int32_t first, int32_t count);
  void run_stage(size_t k, const std::byte* images, int32_t present, bool with_head);
  int32_t settle(size_t k, int32_t present);
  void move_row(size_t k, size_t from, size_t to);

  std::shared_ptr<const Model> model_;
  std::shared_ptr<const ExitPolicy> policy_;
  std::unique_ptr<Buffers> buffers_;
};

}  // namespace sooner
