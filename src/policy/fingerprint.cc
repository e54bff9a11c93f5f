#include "policy/fingerprint.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/hash.h"
#include "policy/checked_spec.h"
#include "policy/policy_kind.h"

namespace sooner {
namespace {

std::string exact(const std::vector<double>& numbers) {
  std::string text = "[";
  for (const double number : numbers) text += fmt::format("{:a} ", number);
  return text + "]";
}

std::string exact(const std::vector<std::vector<double>>& rows) {
  std::string text = "[";
  for (const std::vector<double>& row : rows) text += exact(row);
  return text + "]";
}

}  // namespace

std::string canonical_text(const PolicySpec& checked, const PolicyContext& context) {
  std::string text = fmt::format(
      "{} thresholds{} classes{} temperatures{} exit {} cap {} abstain {:a} surest {} deadline {:a} mean {} weights{} "
      "biases{}",
      checked.name, exact(checked.thresholds), exact(checked.class_thresholds), exact(checked.temperatures),
      checked.always_exit, checked.cap, checked.abstain_below, checked.surest_so_far, checked.deadline_seconds,
      checked.ensemble.mean, exact(checked.ensemble.weights), exact(checked.ensemble.biases));
  if (checked.cost_weight) text += fmt::format(" cost {:a}", *checked.cost_weight);
  if (const auto& range = context.cost_weights) {
    text += fmt::format(" gates {:a} {:a} {:a}{}", range->low, range->high, range->standard, exact(range->shifts));
  }
  text += fmt::format(" exits {} outputs {} parts(", context.exits, context.classes);
  for (const PolicySpec& part : checked.parts) {
    const PolicyKind& kind = policy_kind(part.name, context.classes);
    text += canonical_text(checked_spec(part, kind, context), context) + ";";
  }
  return text + ")";
}

uint64_t fingerprint_of(const PolicySpec& checked, const PolicyContext& context) {
  return std::max<uint64_t>(1, hash_bytes(canonical_text(checked, context)));
}

uint64_t ExitPolicy::fingerprint() const {
  if (made_of_ != 0) return made_of_;
  return hash_bytes(fmt::format("{} of a program's own, {} bytes of state", name(), state_bytes()));
}

}  // namespace sooner
