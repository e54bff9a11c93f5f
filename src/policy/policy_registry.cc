// The table of policies.
#include <algorithm>
#include <array>
#include <deque>

#include "core/error.h"
#include "core/mutex.h"
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
// share rules/combined_policy.cc, and `settling` is the patience of networks that answer with a number.
#define SOONER_POLICY_ROWS(row)                                                                                        \
  row(entropy) row(max_prob) row(margin) row(gate) row(confidence) row(patience) row(settling) row(vote) row(ensemble) \
      row(learned) row(any) row(all) row(always) row(never)

#define SOONER_DECLARE_KIND(policy) PolicyKind policy##_policy_kind();
#define SOONER_CALL_KIND(policy) policy##_policy_kind,
SOONER_POLICY_ROWS(SOONER_DECLARE_KIND)

namespace {

// Rows are added and never moved or taken away, so references to them hold.
class Registry {
 public:
  Registry() {
    for (PolicyKind (*const row)() : {SOONER_POLICY_ROWS(SOONER_CALL_KIND)}) rows_.push_back(row());
  }
  void add(PolicyKind kind) {
    const MutexLock lock(mutex_);
    const auto taken = [&](const PolicyKind& row) {
      return row.name == kind.name &&
             (row.fits == kind.fits || row.fits == PolicyFits::kBoth || kind.fits == PolicyFits::kBoth);
    };
    if (std::ranges::any_of(rows_, taken)) {
      fail(Code::kInvalidArgument, "[policy] '{}' is registered already; give the policy another name", kind.name);
    }
    rows_.push_back(std::move(kind));
  }
  [[nodiscard]] std::vector<const PolicyKind*> rows() const {
    const MutexLock lock(mutex_);
    std::vector<const PolicyKind*> all;
    for (const PolicyKind& row : rows_) all.push_back(&row);
    return all;
  }
  // The first row that fits, or null.
  template <typename Fits>
  [[nodiscard]] const PolicyKind* find(std::string_view name, Fits fits) const {
    const MutexLock lock(mutex_);
    const auto found =
        std::ranges::find_if(rows_, [&](const PolicyKind& row) { return row.name == name && fits(row); });
    return found == rows_.end() ? nullptr : &*found;
  }

 private:
  mutable Mutex mutex_;
  std::deque<PolicyKind> rows_ SOONER_GUARDED_BY(mutex_);
};

Registry& registry() {
  static Registry rows;
  return rows;
}

std::vector<std::string> names_for(PolicyFits fits) {
  std::vector<std::string> names;
  for (const PolicyKind* kind : policy_kinds()) {
    if (kind->fits == fits || kind->fits == PolicyFits::kBoth) names.push_back(kind->name);
  }
  return names;
}

bool is_plain(std::string_view name) {
  return !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") == std::string_view::npos;
}

}  // namespace

const PolicySetting* PolicyKind::find_setting(std::string_view setting) const {
  const auto found = std::ranges::find(settings, setting, &PolicySetting::name);
  return found == settings.end() ? nullptr : &*found;
}

void register_policy(PolicyKind kind) {
  if (!is_plain(kind.name)) {
    fail(Code::kInvalidArgument, "[policy] got the name '{}' for a policy, expected a-z, 0-9, '-' and '_'", kind.name);
  }
  if (!kind.make) fail(Code::kInvalidArgument, "[policy] '{}' has no `make`, which gives the policy", kind.name);
  for (const PolicySetting& setting : kind.settings) {
    if (std::ranges::count(kind.settings, setting.name, &PolicySetting::name) > 1 || !is_plain(setting.name)) {
      fail(Code::kInvalidArgument,
           "[policy] '{}' declares the setting '{}', expected a name of a-z, 0-9, '-' and '_', and each once",
           kind.name, setting.name);
    }
    if (setting.standard) check_setting(kind.name, setting, *setting.standard);
  }
  registry().add(std::move(kind));
}

const PolicyKind& policy_kind(std::string_view name, int32_t classes) {
  const PolicyFits fits = classes == 1 ? PolicyFits::kNumbers : PolicyFits::kClasses;
  const PolicyKind* kind =
      registry().find(name, [&](const PolicyKind& row) { return row.fits == fits || row.fits == PolicyFits::kBoth; });
  if (kind != nullptr) return *kind;
  if (!is_policy(name)) {
    fail(Code::kInvalidArgument, "[policy] got unknown policy '{}'; {}", name, suggest(name, policy_names()));
  }
  const std::vector<std::string> others = names_for(fits);
  std::string listed;
  for (size_t i = 0; i < others.size(); ++i) {
    listed += (i == 0 ? "" : i + 1 < others.size() ? ", " : " or ") + others[i];
  }
  fail(Code::kInvalidArgument, "[policy] '{}' needs {} and this model answers with a {}; use {}", name,
       classes == 1 ? "classes" : "numbers", classes == 1 ? "number" : "class", listed);
}

bool is_policy(std::string_view name) {
  return registry().find(name, [](const PolicyKind&) { return true; }) != nullptr;
}

std::vector<const PolicyKind*> policy_kinds() { return registry().rows(); }

const PolicyKind& abstains_by(const PolicySpec& policy, int32_t classes) {
  const PolicyKind& kind = policy_kind(policy.name, classes);
  const bool own = policy.wrappers.surest_so_far ? kind.probabilities : kind.scores_last_exit;
  return own ? kind : policy_kind("max-prob");
}

bool abstains_by_verdict(const PolicySpec& policy, const PolicyKind& kind) {
  return policy.wrappers.surest_so_far || kind.scores_last_exit;
}

std::unique_ptr<const ExitPolicy> make_policy(const PolicySpec& spec, const PolicyContext& context) {
  const PolicyKind& kind = policy_kind(spec.name, context.classes);
  const PolicySpec checked = checked_spec(spec, kind, context);
  const PolicyWrappers& around = checked.wrappers;
  std::unique_ptr<const ExitPolicy> policy = kind.make(checked, context);
  if (policy == nullptr) fail(Code::kInvalidArgument, "[policy] the row of '{}' made no policy", spec.name);
  if (around.cap >= 0) policy = cap_policy(std::move(policy), around.cap);
  if (around.deadline_seconds < std::numeric_limits<double>::infinity()) {
    policy = deadline_policy(std::move(policy), around.deadline_seconds);
  }
  if (around.surest_so_far) policy = surest_policy(std::move(policy), checked.temperatures, kind.probabilities);
  if (around.abstains()) {
    policy = abstain_policy(std::move(policy), around.abstain_below.as_score(), abstains_by_verdict(checked, kind));
  }
  policy->made_of_ = fingerprint_of(checked, context);
  return policy;
}

std::vector<std::string> policy_names() {
  std::vector<std::string> names;
  for (const PolicyKind* kind : policy_kinds()) {
    if (std::ranges::find(names, kind->name) == names.end()) names.push_back(kind->name);
  }
  return names;
}

bool has_thresholds(std::string_view policy_name) {
  const PolicyKind* kind = registry().find(policy_name, [](const PolicyKind&) { return true; });
  return kind == nullptr ? policy_kind(policy_name).thresholds : kind->thresholds;
}

bool has_own_rule(std::string_view policy_name, int32_t classes) {
  const PolicyKind& kind = policy_kind(policy_name, classes);
  return kind.joins_parts.empty() && (!kind.thresholds || kind.default_threshold.has_value());
}

bool is_fitted(const PolicySpec& spec) { return without_fit(spec).settings != spec.settings; }

PolicySpec without_fit(PolicySpec spec) {
  for (const PolicyKind* kind : policy_kinds()) {
    if (kind->name != spec.name) continue;
    for (const PolicySetting& setting : kind->settings) {
      if (setting.fitted) spec.settings.erase(setting.name);
    }
  }
  return spec;
}

}  // namespace sooner
