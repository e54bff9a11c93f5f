// Whom to answer "do not know": a second threshold, at the last exit, for those who come there and are unsure.
#pragma once

#include <span>

#include "policy/abstention.h"
#include "tune/tables/logit_table.h"

namespace sooner {

// A sample as the policy answers it.
struct Answer {
  bool sure = false;  // the policy let it leave: answered whatever the threshold
  float score = 0;    // of one that had to leave unsure
  bool wrong = false;
};

// The least score to answer with, for the goal: equal scores stay together; -inf: everybody is answered. Between the
// last score answered and the next, or just above the surest. Throws kInvalidArgument for a value outside [0, 1] or no
// answers, kFailedPrecondition where those who leave early are wrong more often than allowed, however few of the others
// are answered.
double abstain_threshold(std::span<const Answer> answers, const Abstention& wanted);

// PolicyWrappers::abstain_below, as a score, of `policy`, whose own is put aside, without cap and deadline. Chosen on
// the table: a promise about samples to come it is not. Throws what abstain_threshold and make_policy throw. REQUIRES:
// a valid table of a network that answers with classes.
double choose_abstention(const LogitTable& table, const PolicySpec& policy, const Abstention& wanted);

}  // namespace sooner
