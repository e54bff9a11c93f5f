// The table of policies.
#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.h"
#include "core/text.h"
#include "policy/abstain_policy.h"
#include "policy/cap_policy.h"
#include "policy/checked_spec.h"
#include "policy/deadline_policy.h"
#include "policy/exit_policy.h"
#include "policy/policy_kind.h"

namespace sooner {

// One row a policy, in the order shown to people. Row `x` is x_policy_kind() of x_policy.cc; `any` and `all` share
// combined_policy.cc.
#define SOONER_POLICY_ROWS(row)                                                                                   \
  row(entropy) row(max_prob) row(margin) row(gate) row(confidence) row(patience) row(vote) row(ensemble) row(any) \
      row(all) row(always) row(never)

#define SOONER_DECLARE_KIND(policy) PolicyKind policy##_policy_kind();
#define SOONER_CALL_KIND(policy) policy##_policy_kind(),
SOONER_POLICY_ROWS(SOONER_DECLARE_KIND)

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

const auto& kinds() {
  static const std::array kKinds = {SOONER_POLICY_ROWS(SOONER_CALL_KIND)};
  return kKinds;
}

}  // namespace

const PolicyKind& policy_kind(std::string_view name) {
  const auto found =
      std::find_if(kinds().begin(), kinds().end(), [&](const PolicyKind& kind) { return kind.name == name; });
  if (found == kinds().end()) {
    fail(Code::kInvalidArgument, "[policy] got unknown policy '{}'; {}", name, suggest(name, policy_names()));
  }
  return *found;
}

std::unique_ptr<const ExitPolicy> make_policy(const PolicySpec& spec, const PolicyContext& context) {
  const PolicyKind& kind = policy_kind(spec.name);
  std::unique_ptr<const ExitPolicy> policy = kind.make(checked_spec(spec, kind, context), context);
  if (spec.cap >= 0) policy = cap_policy(std::move(policy), spec.cap);
  if (std::isfinite(spec.deadline_seconds)) policy = deadline_policy(std::move(policy), spec.deadline_seconds);
  if (spec.abstain_below > -kInfinity) policy = abstain_policy(std::move(policy), spec.abstain_below);
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

bool has_own_rule(std::string_view policy_name) {
  const PolicyKind& kind = policy_kind(policy_name);
  return !kind.parts && (!kind.thresholds || kind.default_threshold.has_value());
}

// Here, where a spec that holds specs is complete.
bool PolicySpec::operator==(const PolicySpec& other) const {
  return name == other.name && thresholds == other.thresholds && temperatures == other.temperatures &&
         always_exit == other.always_exit && cap == other.cap && class_thresholds == other.class_thresholds &&
         abstain_below == other.abstain_below && deadline_seconds == other.deadline_seconds &&
         ensemble == other.ensemble && cost_weight == other.cost_weight && parts == other.parts;
}

}  // namespace sooner
