// Wraps a policy so that who has to leave unsure, at the last exit, the cap or the deadline, is answered by the surest
// exit so far, not by the one reached (Shallow-Deep Networks, Kaya et al. 2019): an early exit can be right where the
// last one is lost.
#pragma once

#include <memory>

#include "policy/exit_policy.h"

namespace sooner {

// Exits are compared by the inner policy's score with `own_score`, else by max-prob's log-odds at temperature 1; of
// equals the later one answers, and none whose score is NaN unless all are. The verdict carries the score and the
// probability of the exit that answers. temperatures: [K], what that probability is told at. Every head on the way is
// computed and paid for. State: the inner policy's, and 16 bytes. REQUIRES: inner, two classes or more.
std::unique_ptr<const ExitPolicy> surest_policy(std::unique_ptr<const ExitPolicy> inner,
                                                std::vector<double> temperatures, bool own_score);

}  // namespace sooner
