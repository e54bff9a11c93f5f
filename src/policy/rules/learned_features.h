// What the policy `learned` looks at, exit by exit; the policy and its fit share it, so that they see the same numbers.
#pragma once

#include <cstdint>
#include <span>

#include "policy/exit_policy.h"
#include "policy/scores.h"

namespace sooner {

// What later exits know of an exit. Zero bytes: it has not been reached.
struct ExitMemory {
  float log_odds = 0;        // of the largest probability, at temperature 1
  int32_t label_plus_1 = 0;  // its answer, plus one
};

inline ExitMemory remember(std::span<const float> logits) {
  return {.log_odds = static_cast<float>(max_prob_log_odds(logits)), .label_plus_1 = argmax(logits) + 1};
}

// F of exit k: its log-odds, margin and normalised entropy score, its gate where it has one, and of every exit before
// its log-odds and whether it answered the same.
inline size_t learned_feature_count(size_t exit, bool has_gate) { return 3 + (has_gate ? 1U : 0U) + 2 * exit; }

// Calls take(x) for each of the F, in this order. earlier: [k] of the exits before. own: remember() of these logits.
template <typename Take>
void learned_features(const ExitObservation& seen, const ExitMemory& own, std::span<const ExitMemory> earlier,
                      bool has_gate, Take take) {
  take(static_cast<double>(own.log_odds));
  take(margin_score(seen.logits));
  take(entropy_score(seen.logits));
  if (has_gate) take(static_cast<double>(seen.gate));
  for (const ExitMemory& exit : earlier) {
    take(static_cast<double>(exit.log_odds));
    take(exit.label_plus_1 == own.label_plus_1 ? 1.0 : 0.0);
  }
}

}  // namespace sooner
