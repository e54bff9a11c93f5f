#include "policy/fingerprint.h"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

#include "core/hash.h"
#include "policy/checked_spec.h"
#include "policy/policy_kind.h"

namespace sooner {
namespace {

std::string exact(bool flag) { return flag ? "true" : "false"; }
std::string exact(int64_t whole) { return fmt::format("{}", whole); }
std::string exact(double number) { return fmt::format("{:a}", number); }
// Its length first, so that no text looks like what follows it.
std::string exact(const std::string& text) { return fmt::format("{}:{}", text.size(), text); }

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
  std::string text = fmt::format("{} thresholds{} classes", checked.name, exact(scores_of(checked.thresholds)));
  for (const std::vector<Threshold>& row : checked.class_thresholds) text += exact(scores_of(row));
  text += fmt::format(" temperatures{} settings(", exact(checked.temperatures));
  for (const auto& [name, value] : checked.settings) {
    text += fmt::format("{} {};", name, std::visit([](const auto& each) { return exact(each); }, value));
  }
  const PolicyWrappers& around = checked.wrappers;
  text += fmt::format(") cap {} abstain {:a} surest {} deadline {:a}", around.cap, around.abstain_below.as_score(),
                      around.surest_so_far, around.deadline_seconds);
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

std::string answered_by(const Origin& engine, const ExitPolicy& policy) {
  return hash_hex(hash_bytes(
      fmt::format("{} {} {:x}", engine.weights_hash, to_string(numeric_class(engine)), policy.fingerprint())));
}

uint64_t ExitPolicy::fingerprint() const {
  if (made_of_ != 0) return made_of_;
  return hash_bytes(fmt::format("{} of a program's own, {} bytes of state", name(), state_bytes()));
}

}  // namespace sooner
