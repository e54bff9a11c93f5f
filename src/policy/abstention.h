// Whom to answer "do not know": the goal that a second threshold, at the last exit, is chosen for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sooner {

enum class AbstainGoal : uint8_t {
  kCoverage,  // answer at least this fraction of the samples, and abstain from as many as that allows
  kError,     // of the samples answered at most this fraction wrong, and answer as many as that allows
};
// "coverage", "most-error".
std::string_view to_string(AbstainGoal goal);
// Throws kInvalidArgument for another word, naming the nearest.
AbstainGoal abstain_goal_from_string(std::string_view text);

struct Abstention {
  AbstainGoal goal = AbstainGoal::kCoverage;
  double value = 1;  // [0, 1]
  bool operator==(const Abstention&) const = default;
};

// "coverage 0.95", "most-error 0.02".
std::string to_string(const Abstention& abstention);
// The same back. Throws kInvalidArgument, naming what was expected.
Abstention parse_abstention(std::string_view text);

}  // namespace sooner
