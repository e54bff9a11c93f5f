// Whom to answer "do not know": a second threshold, at the last exit, for those who come there and are unsure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tune/tables/logit_table.h"

namespace sooner {

enum class AbstainGoal : uint8_t {
  kCoverage,  // answer at least this fraction of the samples, and abstain from as many as that allows
  kError,     // of the samples answered at most this fraction wrong, and answer as many as that allows
};

struct Abstention {
  AbstainGoal goal = AbstainGoal::kCoverage;
  double value = 1;  // [0, 1]
};

// "coverage 0.95", "most-error 0.02".
std::string to_string(const Abstention& abstention);
// The same back. Throws kInvalidArgument, naming what was expected.
Abstention parse_abstention(std::string_view text);

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

// PolicySpec::abstain_below of `policy`, whose own is put aside, without cap and deadline. Chosen on the table: a
// promise about samples to come it is not. Throws what abstain_threshold and make_policy throw. REQUIRES: a valid table
// of a network that answers with classes.
double choose_abstention(const LogitTable& table, const PolicySpec& policy, const Abstention& wanted);

}  // namespace sooner
