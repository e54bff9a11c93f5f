// What became of one sample, and who is told.
#pragma once

#include <cstdint>
#include <limits>
#include <span>

#include "policy/exit_policy.h"

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
  int64_t macs = 0;  // executed for it: as graph/cost.h counts, without heads that nobody asked for
  // Since its run began; NaN where nobody read a clock.
  double elapsed_seconds = std::numeric_limits<double>::quiet_NaN();
};

// Takes answers as samples leave, in the order in which they do.
class AnswerSink {
 public:
  virtual ~AnswerSink() = default;
  // id: the driver's name for the sample. logits: [C], of the exit taken; for the call only. Called on the thread that
  // drives the runner; what it does, samples wait for. No exception.
  virtual void take(uint64_t id, const Result& result, std::span<const float> logits) = 0;
};

}  // namespace sooner
