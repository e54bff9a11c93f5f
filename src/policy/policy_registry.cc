// The table of policies.
#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.h"
#include "core/text.h"
#include "policy/checked_spec.h"
#include "policy/exit_policy.h"
#include "policy/fingerprint.h"
#include "policy/policy_kind.h"
#include "policy/wrappers/abstain_policy.h"
#include "policy/wrappers/cap_policy.h"
#include "policy/wrappers/deadline_policy.h"
#include "policy/wrappers/surest_policy.h"

namespace sooner {

// One row a policy, in the order shown to people. Row `x` is x_policy_kind() of rules/x_policy.cc; `any` and `all`
// share rules/combined_policy.cc.
#define SOONER_POLICY_ROWS(row)                                                                                   \
  row(entropy) row(max_prob) row(margin) row(gate) row(confidence) row(patience) row(vote) row(ensemble) row(any) \
      row(all) row(always) row(never)

// Those for networks that answer with a number.
#define SOONER_NUMBER_POLICY_ROWS(row) row(settling) row(any) row(all) row(always) row(never)

#define SOONER_DECLARE_KIND(policy) PolicyKind policy##_policy_kind();
#define SOONER_CALL_KIND(policy) policy##_policy_kind(),
SOONER_POLICY_ROWS(SOONER_DECLARE_KIND)
PolicyKind settling_policy_kind();

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

const auto& kinds() {
  static const std::array kKinds = {SOONER_POLICY_ROWS(SOONER_CALL_KIND)};
  return kKinds;
}

const auto& number_kinds() {
  static const std::array kKinds = {SOONER_NUMBER_POLICY_ROWS(SOONER_CALL_KIND)};
  return kKinds;
}

const PolicyKind* find_kind(std::span<const PolicyKind> among, std::string_view name) {
  const auto found = std::ranges::find(among, name, &PolicyKind::name);
  return found == among.end() ? nullptr : &*found;
}

}  // namespace

const PolicyKind& policy_kind(std::string_view name, int32_t classes) {
  const PolicyKind* kind = find_kind(kinds(), name);
  if (kind == nullptr) {
    fail(Code::kInvalidArgument, "[policy] got unknown policy '{}'; {}", name, suggest(name, policy_names()));
  }
  if (classes != 1) return *kind;
  kind = find_kind(number_kinds(), name);
  if (kind == nullptr) {
    fail(Code::kInvalidArgument,
         "[policy] '{}' needs classes and this model answers with a number; use patience, any, all, always or never",
         name);
  }
  return *kind;
}

std::string_view abstains_by(const PolicySpec& policy, int32_t classes) {
  const PolicyKind& kind = policy_kind(policy.name, classes);
  return (policy.surest_so_far ? kind.probabilities : kind.scores_last_exit) ? kind.name : "max-prob";
}

bool abstains_by_verdict(const PolicySpec& policy, const PolicyKind& kind) {
  return policy.surest_so_far || kind.scores_last_exit;
}

std::unique_ptr<const ExitPolicy> make_policy(const PolicySpec& spec, const PolicyContext& context) {
  const PolicyKind& kind = policy_kind(spec.name, context.classes);
  const PolicySpec checked = checked_spec(spec, kind, context);
  std::unique_ptr<const ExitPolicy> policy = kind.make(checked, context);
  if (spec.cap >= 0) policy = cap_policy(std::move(policy), spec.cap);
  if (std::isfinite(spec.deadline_seconds)) policy = deadline_policy(std::move(policy), spec.deadline_seconds);
  if (spec.surest_so_far) policy = surest_policy(std::move(policy), checked.temperatures, kind.probabilities);
  if (spec.abstain_below > -kInfinity) {
    policy = abstain_policy(std::move(policy), spec.abstain_below, abstains_by_verdict(spec, kind));
  }
  policy->made_of_ = fingerprint_of(checked, context);
  return policy;
}

const std::vector<std::string>& policy_names() {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    for (const PolicyKind& kind : kinds()) names.emplace_back(kind.name);
    return names;
  }();
  return kNames;
}

bool has_thresholds(std::string_view policy_name) { return policy_kind(policy_name).thresholds; }

bool has_own_rule(std::string_view policy_name, int32_t classes) {
  const PolicyKind& kind = policy_kind(policy_name, classes);
  return !kind.parts && (!kind.thresholds || kind.default_threshold.has_value());
}

// Here, where a spec that holds specs is complete.
bool PolicySpec::operator==(const PolicySpec& other) const {
  return name == other.name && thresholds == other.thresholds && temperatures == other.temperatures &&
         always_exit == other.always_exit && cap == other.cap && class_thresholds == other.class_thresholds &&
         abstain_below == other.abstain_below && surest_so_far == other.surest_so_far &&
         deadline_seconds == other.deadline_seconds && ensemble == other.ensemble && cost_weight == other.cost_weight &&
         parts == other.parts;
}

}  // namespace sooner
