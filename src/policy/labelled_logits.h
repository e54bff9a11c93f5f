// Every exit's answers for samples whose truth is known: what a policy's settings are fitted to. An interface, so that
// the table behind it (tune/tables/logit_table.h) stays above this room.
#pragma once

#include <cstdint>

#include "policy/exit_policy.h"

namespace sooner {

// Reading from several threads is fine.
class LabelledLogits {
 public:
  virtual ~LabelledLogits() = default;
  [[nodiscard]] virtual int64_t samples() const = 0;  // at least 1
  [[nodiscard]] virtual PolicyContext context() const = 0;
  // What the policy would be shown. REQUIRES: 0 <= sample < samples(), an exit of the context.
  [[nodiscard]] virtual ExitObservation observation(int64_t sample, int32_t exit) const = 0;
  // The class that is right. REQUIRES: a network that answers with classes.
  [[nodiscard]] virtual int32_t label(int64_t sample) const = 0;
};

}  // namespace sooner
