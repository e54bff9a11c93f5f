// The table of policies, and the one place where a PolicySpec is checked.
#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.h"
#include "core/text.h"
#include "policy/cap_policy.h"
#include "policy/exit_policy.h"
#include "policy/policy_kind.h"

namespace sooner {

// One row a policy, in the order shown to people. Row `x` is x_policy_kind() of x_policy.cc.
#define SOONER_POLICY_ROWS(row) row(entropy) row(max_prob) row(margin) row(gate) row(confidence) row(always) row(never)

#define SOONER_DECLARE_KIND(policy) PolicyKind policy##_policy_kind();
#define SOONER_CALL_KIND(policy) policy##_policy_kind(),
SOONER_POLICY_ROWS(SOONER_DECLARE_KIND)

namespace {

const auto& kinds() {
  static const std::array kKinds = {SOONER_POLICY_ROWS(SOONER_CALL_KIND)};
  return kKinds;
}

// Thresholds as they will be used, [K-1].
std::vector<double> checked_thresholds(const PolicySpec& spec, const PolicyKind& kind, size_t early_exits) {
  if (!kind.thresholds) {
    if (spec.thresholds.empty()) return {};
    fail(Code::kInvalidArgument, "[policy] '{}' got {} thresholds, expected none; remove them", kind.name,
         spec.thresholds.size());
  }
  if (spec.thresholds.empty() && kind.default_threshold) {
    return std::vector<double>(early_exits, *kind.default_threshold);
  }
  if (spec.thresholds.size() != early_exits) {
    fail(Code::kInvalidArgument,
         "[policy] '{}' got {} thresholds, expected {}: one per early exit; tune the model or name them", kind.name,
         spec.thresholds.size(), early_exits);
  }
  for (size_t k = 0; k < early_exits; ++k) {
    if (std::isnan(spec.thresholds[k])) {
      fail(Code::kInvalidArgument, "[policy] '{}' got threshold NaN at exit {}, expected a number or an infinity",
           kind.name, k);
    }
  }
  return spec.thresholds;
}

// Temperatures as they will be used, [K].
std::vector<double> checked_temperatures(const PolicySpec& spec, size_t exits) {
  if (spec.temperatures.empty()) return std::vector<double>(exits, 1.0);
  if (spec.temperatures.size() != exits) {
    fail(Code::kInvalidArgument,
         "[policy] '{}' got {} temperatures, expected {}: one per exit, or none for 1 everywhere", spec.name,
         spec.temperatures.size(), exits);
  }
  for (size_t k = 0; k < exits; ++k) {
    if (!(spec.temperatures[k] > 0) || !std::isfinite(spec.temperatures[k])) {
      fail(Code::kInvalidArgument, "[policy] '{}' got temperature {} at exit {}, expected a positive number", spec.name,
           spec.temperatures[k], k);
    }
  }
  return spec.temperatures;
}

void check_exit(std::string_view what, int32_t exit, int32_t low, int32_t exits) {
  if (exit < low || exit >= exits) {
    fail(Code::kInvalidArgument, "[policy] {} got exit {}, expected {} to {}: the model has {} exits", what, exit, low,
         exits - 1, exits);
  }
}

}  // namespace

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
  }
  return "unknown";
}

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
  if (context.exits < 1)
    fail(Code::kInvalidArgument, "[policy] got a model of {} exits, expected at least 1", context.exits);
  if (context.classes < 2) {
    fail(Code::kInvalidArgument, "[policy] got a model of {} classes, expected at least 2", context.classes);
  }
  if (kind.gates && context.exits > 1 && !context.has_gates) {
    fail(Code::kInvalidArgument,
         "[policy] '{}' needs a gate at every early exit and this model has none; use max-prob or entropy", kind.name);
  }
  PolicySpec checked = spec;
  checked.thresholds = checked_thresholds(spec, kind, static_cast<size_t>(context.exits - 1));
  checked.temperatures = checked_temperatures(spec, static_cast<size_t>(context.exits));
  if (spec.name == "always") check_exit("'always'", spec.always_exit, 0, context.exits);
  check_exit("the cap", spec.cap, -1, context.exits);
  std::unique_ptr<const ExitPolicy> policy = kind.make(checked, context);
  return spec.cap < 0 ? std::move(policy) : cap_policy(std::move(policy), spec.cap);
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

}  // namespace sooner
