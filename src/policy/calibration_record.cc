#include "policy/calibration_record.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <ranges>

#include "core/error.h"
#include "core/text.h"
#include "policy/policy_kind.h"

namespace sooner {

namespace {

// As their policies stand among the parts of `any` or `all`, which have no wrappers.
std::vector<CalibrationRecord> unwrapped(std::span<const CalibrationRecord> records) {
  std::vector<CalibrationRecord> bare(records.begin(), records.end());
  for (CalibrationRecord& record : bare) record.policy.wrappers = {};
  return bare;
}

// Every part as it is for `precision`; nothing where one has nothing.
std::optional<PolicySpec> with_parts_at(PolicySpec policy, std::span<const CalibrationRecord> records,
                                        std::string_view precision) {
  const std::vector<CalibrationRecord> bare = unwrapped(records);
  for (PolicySpec& part : policy.parts) {
    std::optional<PolicySpec> found = find_policy_at(part, bare, precision);
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
    if (record.origin.precision == precision || record.origin.precision.empty() || holds_everywhere(record))
      return policy;
    origin = &record;
  }
  if (origin == nullptr) return policy;
  const auto twin = std::find_if(records.rbegin(), records.rend(), [&](const CalibrationRecord& record) {
    return chosen_alike(record, *origin) && record.origin.precision == precision;
  });
  if (twin == records.rend()) return std::nullopt;
  return twin->policy;
}

}  // namespace

std::string record_name(const CalibrationRecord& record) {
  if (!record.name.empty()) return record.name;
  std::string name = record.policy.name + "/" + to_string(without_times(record.rule));
  std::ranges::replace(name, ' ', '-');
  return name;
}

std::string rule_text(const CalibrationRecord& record, int32_t classes) {
  if (record.rule.kind != CalibrationRule::Kind::kUntouched) return to_string(record.rule);
  const PolicySpec& policy = record.policy;
  const PolicyKind& kind = policy_kind(policy.name, classes);
  std::string text = "rule " + policy.name;
  for (const PolicySetting& setting : kind.settings) {
    const SettingValue* given = policy.settings.find(setting.name);
    const std::string value = setting.fitted ? "" : setting_text(given == nullptr ? setting.type() : *given);
    if (!value.empty()) text += " " + value;
  }
  if (kind.default_threshold) text = "rule " + threshold_text(kind.unit, *kind.default_threshold, classes);
  return record.rule.abstention ? fmt::format("{} and {}", text, to_string(*record.rule.abstention)) : text;
}

bool holds_everywhere(const CalibrationRecord& record) {
  return record.rule.kind == CalibrationRule::Kind::kUntouched && !record.policy.wrappers.abstains();
}

bool chosen_alike(const CalibrationRecord& a, const CalibrationRecord& b) {
  return a.policy.name == b.policy.name && a.policy.wrappers.surest_so_far == b.policy.wrappers.surest_so_far &&
         without_fit(a.policy).settings == without_fit(b.policy).settings &&
         without_times(a.rule) == without_times(b.rule);
}

namespace {

bool is_replaced(const CalibrationRecord& old, const CalibrationRecord& made) {
  if (old.origin.precision != made.origin.precision) return false;
  if (!made.name.empty() && old.name == made.name) return true;
  const auto samples = [](const CalibrationRecord& record) {
    return record.guarantee ? record.guarantee->split_hash : std::string();
  };
  return chosen_alike(old, made) && samples(old) == samples(made);
}

// Whether whoever counts the promises on old's samples still counts to old's number where `made` stands in its place.
bool counts_on(const CalibrationRecord& made, const CalibrationRecord& old) {
  if (!old.guarantee) return true;
  return made.guarantee && made.guarantee->split_hash == old.guarantee->split_hash &&
         made.guarantee->number >= old.guarantee->number &&
         made.rule.risk->delta.has_value() == old.rule.risk->delta.has_value();
}

}  // namespace

std::vector<const CalibrationRecord*> replaced_by(const CalibrationRecord& made,
                                                  std::span<const CalibrationRecord> records) {
  std::vector<const CalibrationRecord*> replaced;
  for (const CalibrationRecord& old : records) {
    if (is_replaced(old, made)) replaced.push_back(&old);
  }
  return replaced;
}

void add_record(std::vector<CalibrationRecord>& records, CalibrationRecord made) {
  for (const CalibrationRecord* old : replaced_by(made, records)) {
    if (counts_on(made, *old)) continue;
    fail(Code::kFailedPrecondition,
         "[risk] the calibration '{}' holds promise {} of {} on the samples {}, which would count no more; choose "
         "another --name, or take the promises on these samples back with `sooner tune --risk ... --anew`",
         record_name(*old), old->guarantee->number, old->rule.risk->promises, old->guarantee->split_hash);
  }
  const std::string& precision = made.origin.precision;
  std::erase_if(records, [&](const CalibrationRecord& old) { return is_replaced(old, made); });
  const auto taken = [&](const std::string& name) {
    return std::ranges::any_of(records, [&](const CalibrationRecord& other) {
      return other.origin.precision == precision && record_name(other) == name;
    });
  };
  if (made.name.empty()) {
    const std::string stem = record_name(made);
    made.name = stem;
    for (int next = 2; taken(made.name); ++next) made.name = fmt::format("{}-{}", stem, next);
  }
  records.push_back(std::move(made));
}

const CalibrationRecord& find_record(std::span<const CalibrationRecord> records, std::string_view name,
                                     std::string_view precision) {
  std::vector<std::string> names;
  const CalibrationRecord* elsewhere = nullptr;
  for (const CalibrationRecord& record : std::views::reverse(records)) {
    if (record.origin.precision != precision && !holds_everywhere(record)) {
      if (record_name(record) == name) elsewhere = &record;
      continue;
    }
    names.push_back(record_name(record));
    if (names.back() == name) return record;
  }
  if (elsewhere != nullptr) {
    fail(Code::kNotFound,
         "[calibration] '{}' is for {}, got --precision {}; answer in {}, or choose it there, too: `sooner tune "
         "--policy {} --precision {} --name {}` by the rule '{}'",
         name, elsewhere->origin.precision, precision, elsewhere->origin.precision, elsewhere->policy.name, precision,
         name, to_string(without_times(elsewhere->rule)));
  }
  fail(Code::kNotFound, "[calibration] got no calibration '{}' for {}; {}", name, precision,
       names.empty() ? "the model has none: run `sooner tune`" : suggest(std::string(name), names));
}

std::optional<PolicySpec> find_policy_at(const PolicySpec& policy, std::span<const CalibrationRecord> records,
                                         std::string_view precision) {
  const bool abstains = policy.wrappers.abstains();
  if (policy.parts.empty()) {
    if (policy.thresholds.empty() && policy.class_thresholds.empty() && !abstains) return policy;
    return chosen_at(policy, records, precision);
  }
  std::optional<PolicySpec> whole = with_parts_at(policy, records, precision);
  if (!whole || !abstains) return whole;
  const std::optional<PolicySpec> chosen = chosen_at(policy, records, precision);
  if (!chosen) return std::nullopt;
  whole->wrappers.abstain_below = chosen->wrappers.abstain_below;
  return whole;
}

namespace {

// The calibrations there are for a precision, to ask for by name; empty where there are none.
std::string those_for(std::span<const CalibrationRecord> records, std::string_view precision) {
  std::vector<std::string> names;
  for (const CalibrationRecord& record : records) {
    if (record.origin.precision == precision) names.push_back(fmt::format("'{}'", record_name(record)));
  }
  return names.empty() ? "" : fmt::format("give --calibration ({}), or ", fmt::join(names, ", "));
}

}  // namespace

PolicySpec policy_at(const PolicySpec& policy, std::span<const CalibrationRecord> records, std::string_view precision) {
  const std::optional<PolicySpec> found = find_policy_at(policy, records, precision);
  if (!found) {
    for (const PolicySpec& part : policy.parts) static_cast<void>(policy_at(part, unwrapped(records), precision));
    const auto origin = std::ranges::find(records, policy, &CalibrationRecord::policy);
    fail(Code::kFailedPrecondition,
         "[policy] what '{}' chose for '{}' rests on logits of another precision and does not hold for {}; {}run "
         "`sooner tune --policy {} --precision {}` by that rule{}{}",
         rule_text(*origin, 2), policy.name, precision, those_for(records, precision), policy.name, precision,
         origin->guarantee ? " (with --promises where it shall be one more promise on these samples)" : "",
         has_thresholds(policy.name) ? ", or give --threshold" : "");
  }
  return *found;
}

}  // namespace sooner
