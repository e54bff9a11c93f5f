// Wraps a policy so that it may say "do not know" (IDK cascades, Wang et al. 2018): who has to leave unsure, at the
// last exit, the cap or the deadline, and scores too little even for that.
#pragma once

#include <memory>

#include "policy/exit_policy.h"

namespace sooner {

// threshold: on the inner policy's score scale, or of max-prob's log-odds at temperature 1 without `own_score`; a NaN
// score is below every threshold. REQUIRES: inner. State is the inner policy's.
std::unique_ptr<const ExitPolicy> abstain_policy(std::unique_ptr<const ExitPolicy> inner, double threshold,
                                                 bool own_score);

}  // namespace sooner
