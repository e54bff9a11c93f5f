#include "policy/abstention.h"

#include <fmt/format.h>

#include "core/error.h"
#include "core/text.h"

namespace sooner {

std::string_view to_string(AbstainGoal goal) { return goal == AbstainGoal::kCoverage ? "coverage" : "most-error"; }

AbstainGoal abstain_goal_from_string(std::string_view text) {
  for (const AbstainGoal goal : {AbstainGoal::kCoverage, AbstainGoal::kError}) {
    if (text == to_string(goal)) return goal;
  }
  fail(Code::kInvalidArgument, "[abstain] got unknown goal '{}'; {}", text, suggest(text, {"coverage", "most-error"}));
}

std::string to_string(const Abstention& abstention) {
  return fmt::format("{} {}", to_string(abstention.goal), abstention.value);
}

Abstention parse_abstention(std::string_view text) {
  const size_t gap = text.find(' ');
  if (gap == std::string_view::npos) {
    fail(Code::kInvalidArgument, "[abstain] got '{}', expected 'coverage F' or 'most-error F', F from 0 to 1", text);
  }
  const AbstainGoal goal = abstain_goal_from_string(text.substr(0, gap));
  return {goal, parse_number(to_string(goal), text.substr(gap + 1))};
}

}  // namespace sooner
