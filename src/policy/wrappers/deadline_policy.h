// Wraps a policy so that a sample stops where the next stage would not finish in time: the deepest exit it reached
// answers. The one policy whose decisions depend on time, and so on batch-mates; from recorded times it replays as is.
#pragma once

#include <memory>

#include "policy/exit_policy.h"

namespace sooner {

// REQUIRES: inner; seconds > 0. State is the inner policy's. Times that are not known (NaN) stop nobody.
std::unique_ptr<const ExitPolicy> deadline_policy(std::unique_ptr<const ExitPolicy> inner, double seconds);

}  // namespace sooner
