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

}  // namespace

bool holds_everywhere(const CalibrationRecord& record) {
  return record.rule.starts_with(kOwnRule) && record.policy.abstain_below == -kInfinity;
}

bool same_rule(std::string_view a, std::string_view b) {
  return a == b || (a.starts_with("latency ") && b.starts_with("latency "));
}

std::optional<PolicySpec> find_policy_at(const PolicySpec& policy, std::span<const CalibrationRecord> records,
                                         std::string_view precision) {
  if (!policy.parts.empty()) return with_parts_at(policy, records, precision);
  if (policy.thresholds.empty() && policy.class_thresholds.empty() && policy.abstain_below == -kInfinity) return policy;
  const CalibrationRecord* origin = nullptr;
  for (const CalibrationRecord& record : records) {
    if (record.policy != policy) continue;
    if (record.precision == precision || holds_everywhere(record)) return policy;
    origin = &record;
  }
  if (origin == nullptr) return policy;
  const auto twin = std::find_if(records.rbegin(), records.rend(), [&](const CalibrationRecord& record) {
    return record.policy.name == policy.name && same_rule(record.rule, origin->rule) && record.precision == precision;
  });
  if (twin == records.rend()) return std::nullopt;
  return twin->policy;
}

PolicySpec policy_at(const PolicySpec& policy, std::span<const CalibrationRecord> records, std::string_view precision) {
  const std::optional<PolicySpec> found = find_policy_at(policy, records, precision);
  if (!found) {
    for (const PolicySpec& part : policy.parts) static_cast<void>(policy_at(part, records, precision));
    fail(Code::kFailedPrecondition,
         "[policy] the thresholds of '{}' were chosen on logits of another precision and do not hold for {}; run "
         "`sooner tune --policy {} --precision {}`, or give --threshold",
         policy.name, precision, policy.name, precision);
  }
  return *found;
}

}  // namespace sooner
