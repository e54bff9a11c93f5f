// What an exit policy decides for one sample, exit after exit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "policy/exit_policy.h"

namespace sooner {

// Three exits of two classes, with gates; and logits there that favour neither class.
inline const PolicyContext kThreeExits{.exits = 3, .classes = 2, .has_gates = true};
inline const std::vector<std::vector<float>> kUndecided = {{0, 0}, {0, 0}, {0, 0}};

// Decisions at every exit for one sample, with zero-filled state; exits that need no answer count as "stays".
inline std::vector<ExitVerdict> walk(const ExitPolicy& policy, const std::vector<std::vector<float>>& logits,
                                     const std::vector<float>& gates = {}) {
  std::vector<std::byte> state(policy.state_bytes());
  std::vector<ExitVerdict> verdicts;
  for (size_t k = 0; k < logits.size(); ++k) {
    const auto exit = static_cast<int32_t>(k);
    verdicts.push_back(
        policy.needs_exit(exit)
            ? policy.decide({exit, logits[k], k < gates.size() ? gates[k] : std::numeric_limits<float>::quiet_NaN()},
                            state)
            : ExitVerdict{});
  }
  return verdicts;
}

inline std::vector<Left> outcomes(const std::vector<ExitVerdict>& verdicts) {
  std::vector<Left> left;
  for (const ExitVerdict& verdict : verdicts) left.push_back(verdict.left);
  return left;
}

inline std::vector<float> scores(const std::vector<ExitVerdict>& verdicts) {
  std::vector<float> result;
  for (const ExitVerdict& verdict : verdicts) result.push_back(verdict.score);
  return result;
}

}  // namespace sooner
