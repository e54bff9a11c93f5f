#include "policy/exit_policy.h"
#include "policy/scores.h"

namespace sooner {

std::string_view to_string(Left left) {
  switch (left) {
    case Left::kStays:
      return "stays";
    case Left::kByPolicy:
      return "by policy";
    case Left::kByCap:
      return "by cap";
    case Left::kAtLastExit:
      return "at last exit";
    case Left::kByDeadline:
      return "by deadline";
    case Left::kAbstains:
      return "abstains";
  }
  return "unknown";
}

int32_t answered_label(const ExitVerdict& verdict, std::span<const float> logits) {
  return verdict.label >= 0 ? verdict.label : argmax(logits);
}

}  // namespace sooner
