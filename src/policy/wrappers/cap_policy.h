// Wraps a policy so that nobody goes beyond one exit: a bound on compute, whatever the input.
#pragma once

#include <memory>

#include "policy/exit_policy.h"

namespace sooner {

// REQUIRES: inner; 0 <= cap. State is the inner policy's.
std::unique_ptr<const ExitPolicy> cap_policy(std::unique_ptr<const ExitPolicy> inner, int32_t cap);

}  // namespace sooner
