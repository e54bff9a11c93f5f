// Whom to answer "do not know": a second threshold, at the last exit, for those who come there and are unsure.
#pragma once

#include <span>

#include "tune/score_table.h"

namespace sooner {

enum class AbstainGoal : uint8_t {
  kCoverage,  // answer at least this fraction of the samples, and abstain from as many as that allows
  kError,     // of the samples answered at most this fraction wrong, and answer as many as that allows
};

struct Abstention {
  AbstainGoal goal = AbstainGoal::kCoverage;
  double value = 1;  // [0, 1]
};

// PolicySpec::abstain_below for the goal, where samples leave at the exits `taken` [N]; equal scores stay together;
// -inf: everybody is answered. Between the last score answered and the next, or just above the surest. Chosen on the
// table: a promise about samples to come it is not. Throws kInvalidArgument for a value outside [0, 1] or a table
// without samples, kFailedPrecondition where those who leave early are wrong more often than allowed, however few of
// the others are answered. REQUIRES: the policy scores the last exit.
double abstain_threshold(const ScoreTable& table, std::span<const int32_t> taken, const Abstention& wanted);

}  // namespace sooner
