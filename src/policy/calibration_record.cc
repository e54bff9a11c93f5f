#include "policy/calibration_record.h"

#include <algorithm>
#include <limits>

#include "core/error.h"

namespace sooner {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Every part as it is for `precision`; nothing where one has nothing.
std::optional<PolicySpec> with_parts_at(PolicySpec policy, std::span<const CalibrationRecord> records,
                                        std::string_view precision) {
  for (PolicySpec& part : policy.parts) {
    std::optional<PolicySpec> found = find_policy_at(part, records, precision);
    if (!found) return std::nullopt;
    part = std::move(*found);
  }
  return policy;
}

// What `policy` is for `precision`: itself where that was chosen there, holds everywhere or is known to no record; else
// what the same rule chose. Nothing where it chose nothing.
std::optional<PolicySpec> chosen_at(const PolicySpec& policy, std::span<const CalibrationRecord> records,
                                    std::string_view precision) {
  const CalibrationRecord* origin = nullptr;
  for (const CalibrationRecord& record : records) {
    if (record.policy != policy) continue;
    if (record.precision == precision || holds_everywhere(record)) return policy;
    origin = &record;
  }
  if (origin == nullptr) return policy;
  const auto twin = std::find_if(records.rbegin(), records.rend(), [&](const CalibrationRecord& record) {
    return chosen_alike(record, *origin) && record.precision == precision;
  });
  if (twin == records.rend()) return std::nullopt;
  return twin->policy;
}

// "latency 0.003 0.2,1 and coverage 0.9" -> "latency 0.003 and coverage 0.9".
std::string without_times(std::string_view rule) {
  constexpr std::string_view kLatency = "latency ";
  const size_t times = rule.starts_with(kLatency) ? rule.find(' ', kLatency.size()) : std::string_view::npos;
  if (times == std::string_view::npos) return std::string(rule);
  const size_t rest = std::min(rule.find(' ', times + 1), rule.size());
  return std::string(rule.substr(0, times)) + std::string(rule.substr(rest));
}

}  // namespace

bool holds_everywhere(const CalibrationRecord& record) {
  return record.rule.starts_with(kOwnRule) && record.policy.abstain_below == -kInfinity;
}

bool chosen_alike(const CalibrationRecord& a, const CalibrationRecord& b) {
  return a.policy.name == b.policy.name && a.policy.surest_so_far == b.policy.surest_so_far &&
         a.policy.ensemble.mean == b.policy.ensemble.mean && without_times(a.rule) == without_times(b.rule);
}

std::optional<PolicySpec> find_policy_at(const PolicySpec& policy, std::span<const CalibrationRecord> records,
                                         std::string_view precision) {
  const bool abstains = policy.abstain_below > -kInfinity;
  if (policy.parts.empty()) {
    if (policy.thresholds.empty() && policy.class_thresholds.empty() && !abstains) return policy;
    return chosen_at(policy, records, precision);
  }
  std::optional<PolicySpec> whole = with_parts_at(policy, records, precision);
  if (!whole || !abstains) return whole;
  const std::optional<PolicySpec> chosen = chosen_at(policy, records, precision);
  if (!chosen) return std::nullopt;
  whole->abstain_below = chosen->abstain_below;
  return whole;
}

PolicySpec policy_at(const PolicySpec& policy, std::span<const CalibrationRecord> records, std::string_view precision) {
  const std::optional<PolicySpec> found = find_policy_at(policy, records, precision);
  if (!found) {
    for (const PolicySpec& part : policy.parts) static_cast<void>(policy_at(part, records, precision));
    const auto origin = std::ranges::find(records, policy, &CalibrationRecord::policy);
    fail(Code::kFailedPrecondition,
         "[policy] what '{}' chose for '{}' rests on logits of another precision and does not hold for {}; run `sooner "
         "tune --policy {} --precision {}` by that rule{}",
         origin->rule, policy.name, precision, policy.name, precision,
         has_thresholds(policy.name) ? ", or give --threshold" : "");
  }
  return *found;
}

}  // namespace sooner
