// One row of the policy table: what a policy needs and how it is made. Each policy defines its row in its own file;
// policy_registry.cc lists the rows.
#pragma once

#include <limits>
#include <memory>
#include <optional>
#include <string_view>

#include "policy/exit_policy.h"

namespace sooner {

struct PolicyKind {
  std::string_view name;
  bool thresholds = true;                   // K-1 of them; tuning chooses them
  bool probabilities = false;               // scores softmax(logits / temperature): worth fitting temperatures for
  bool gates = false;                       // needs a gate at every early exit
  bool scores_last_exit = true;             // its score there says something: it abstains by that, not by max-prob's
  bool parts = false;                       // made of other policies
  std::optional<double> default_threshold;  // used at every exit when the spec names none
  // Finite thresholds lie within, where the score has bounds that are worth holding people to.
  double lowest_threshold = -std::numeric_limits<double>::infinity();
  double highest_threshold = std::numeric_limits<double>::infinity();
  bool counts_exits = false;  // its score is a number of exits: at most K - 2 at an early one
  // REQUIRES: a spec that was checked, with thresholds and temperatures filled in.
  std::unique_ptr<const ExitPolicy> (*make)(const PolicySpec& spec, const PolicyContext& context) = nullptr;
};

// Of a network with so many classes; 1: it answers with a number. Throws kInvalidArgument for an unknown name, naming
// the nearest, and for a policy that needs classes where there are none.
const PolicyKind& policy_kind(std::string_view name, int32_t classes = 2);

// The policy whose score and thresholds' unit PolicySpec::abstain_below has: its own, or max-prob at temperature 1
// where it gives the last exit no score, or none that tells the surest exit so far.
std::string_view abstains_by(const PolicySpec& policy, int32_t classes = 2);

// Whether a verdict's own score is what abstain_below is held against; otherwise max-prob's of whoever answers is.
bool abstains_by_verdict(const PolicySpec& policy, const PolicyKind& kind);

}  // namespace sooner
