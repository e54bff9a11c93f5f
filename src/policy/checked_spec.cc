#include "policy/checked_spec.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/text.h"

namespace sooner {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr size_t kMostParts = 16;
constexpr int kDeepestParts = 8;

// The largest finite threshold. With a single early exit nobody can agree with anybody: 1, the least to ask for, stays
// legal.
double highest_threshold(const PolicyKind& kind, size_t early_exits) {
  return kind.counts_exits ? std::max(1.0, static_cast<double>(early_exits) - 1) : kind.highest_threshold;
}

void check_threshold(const PolicyKind& kind, double threshold, size_t exit, size_t early_exits) {
  if (std::isnan(threshold)) {
    fail(Code::kInvalidArgument, "[policy] '{}' got threshold NaN at exit {}, expected a number or an infinity",
         kind.name, exit);
  }
  const double highest = highest_threshold(kind, early_exits);
  if (std::isfinite(threshold) && (threshold < kind.lowest_threshold || threshold > highest)) {
    fail(Code::kInvalidArgument, "[policy] '{}' got threshold {} at exit {}, expected {} to {}, or an infinity",
         kind.name, threshold, exit, kind.lowest_threshold, highest);
  }
}

// Thresholds as they will be used, [K-1]; none beside thresholds by class.
std::vector<Threshold> checked_thresholds(const PolicySpec& spec, const PolicyKind& kind, size_t early_exits) {
  if (!kind.thresholds) {
    if (spec.thresholds.empty()) return {};
    fail(Code::kInvalidArgument, "[policy] '{}' got {} thresholds, expected none; remove them", kind.name,
         spec.thresholds.size());
  }
  if (!spec.class_thresholds.empty()) {
    if (spec.thresholds.empty()) return {};
    fail(Code::kInvalidArgument, "[policy] '{}' got thresholds for exits and for classes, expected one or the other",
         kind.name);
  }
  if (spec.thresholds.empty() && kind.default_threshold) {
    return std::vector<Threshold>(early_exits, Threshold::score(*kind.default_threshold));
  }
  if (spec.thresholds.size() != early_exits) {
    fail(Code::kInvalidArgument,
         "[policy] '{}' got {} thresholds, expected {}: one per early exit; tune the model or name them", kind.name,
         spec.thresholds.size(), early_exits);
  }
  for (size_t k = 0; k < early_exits; ++k) check_threshold(kind, spec.thresholds[k].as_score(), k, early_exits);
  return spec.thresholds;
}

void check_class_thresholds(const PolicySpec& spec, const PolicyKind& kind, const PolicyContext& context) {
  if (spec.class_thresholds.empty()) return;
  if (!kind.thresholds || context.classes == 1) {
    fail(Code::kInvalidArgument, "[policy] '{}' got thresholds by class, expected none; remove them", kind.name);
  }
  if (spec.class_thresholds.size() != static_cast<size_t>(context.exits - 1)) {
    fail(Code::kInvalidArgument, "[policy] '{}' got thresholds by class for {} exits, expected {}: the early exits",
         kind.name, spec.class_thresholds.size(), context.exits - 1);
  }
  for (size_t k = 0; k < spec.class_thresholds.size(); ++k) {
    if (spec.class_thresholds[k].size() != static_cast<size_t>(context.classes)) {
      fail(Code::kInvalidArgument, "[policy] '{}' got {} thresholds by class at exit {}, expected {}: one per class",
           kind.name, spec.class_thresholds[k].size(), k, context.classes);
    }
    for (const Threshold& threshold : spec.class_thresholds[k]) {
      check_threshold(kind, threshold.as_score(), k, spec.class_thresholds.size());
    }
  }
}

// Temperatures as they will be used, [K].
std::vector<double> checked_temperatures(const PolicySpec& spec, const PolicyContext& context) {
  const auto exits = static_cast<size_t>(context.exits);
  if (spec.temperatures.empty()) return std::vector<double>(exits, 1.0);
  if (context.classes == 1) {
    fail(Code::kInvalidArgument,
         "[policy] '{}' got {} temperatures for a model that answers with a number, expected none", spec.name,
         spec.temperatures.size());
  }
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

// "'gate' and 'confidence' have it", or how to find out who has.
std::string who_has(std::string_view setting) {
  std::vector<std::string> names;
  for (const PolicyKind* kind : policy_kinds()) {
    if (kind->find_setting(setting) != nullptr) names.push_back(fmt::format("'{}'", kind->name));
  }
  if (names.empty()) return "no policy has one of that name";
  return fmt::format("{} {} it", fmt::join(names, " and "), names.size() == 1 ? "has" : "have");
}

// Settings as they will be used: defaults filled in.
PolicySettings checked_settings(const PolicySpec& spec, const PolicyKind& kind) {
  PolicySettings checked = spec.settings;
  for (const auto& [name, value] : spec.settings) {
    const PolicySetting* setting = kind.find_setting(name);
    if (setting == nullptr) {
      fail(Code::kInvalidArgument, "[policy] '{}' got the setting '{}', expected none; {}", kind.name, name,
           who_has(name));
    }
    check_setting(kind.name, *setting, value);
  }
  for (const PolicySetting& setting : kind.settings) {
    if (setting.standard && !checked.has(setting.name)) checked.set(setting.name, *setting.standard);
  }
  return checked;
}

void check_gates(const PolicyKind& kind, const PolicyContext& context) {
  if (kind.gates && context.exits > 1 && !context.has_gates) {
    fail(Code::kInvalidArgument,
         "[policy] '{}' needs a gate at every early exit and this model has none; use max-prob or entropy", kind.name);
  }
  if (context.cost_weights) check_cost_weights(*context.cost_weights, static_cast<size_t>(context.exits - 1));
}

// Looks no further than the limit.
bool deeper_than(const PolicySpec& spec, int depth) {
  if (spec.parts.empty()) return false;
  return depth == 0 ||
         std::ranges::any_of(spec.parts, [&](const PolicySpec& part) { return deeper_than(part, depth - 1); });
}

void check_parts(const PolicySpec& spec, const PolicyKind& kind) {
  if (kind.joins_parts.empty()) {
    if (spec.parts.empty()) return;
    fail(Code::kInvalidArgument, "[policy] '{}' got {} parts, expected none; 'any' and 'all' have some", kind.name,
         spec.parts.size());
  }
  if (spec.parts.empty() || spec.parts.size() > kMostParts) {
    fail(Code::kInvalidArgument, "[policy] '{}' got {} parts, expected 1 to {}: the policies it combines", kind.name,
         spec.parts.size(), kMostParts);
  }
  if (deeper_than(spec, kDeepestParts)) {
    fail(Code::kInvalidArgument, "[policy] '{}' got policies nested more than {} deep, expected less", kind.name,
         kDeepestParts);
  }
  for (const PolicySpec& part : spec.parts) {
    if (part.wrappers != PolicyWrappers{}) {
      fail(
          Code::kInvalidArgument,
          "[policy] part '{}' of '{}' got a cap, deadline, abstention or surest exit so far of its own, expected none; "
          "give it to '{}'",
          part.name, kind.name, kind.name);
    }
  }
}

void check_wrappers(const PolicyWrappers& around, const PolicyKind& kind, const PolicyContext& context) {
  check_exit("the cap", around.cap, -1, context.exits);
  const double below = around.abstain_below.as_score();
  if (std::isnan(below) || below == kInfinity) {
    fail(Code::kInvalidArgument, "[policy] '{}' got {} to abstain below, expected a number, or -inf for never",
         kind.name, below);
  }
  if (around.abstains() && context.classes == 1 && !kind.scores_last_exit) {
    fail(Code::kInvalidArgument, "[policy] '{}' gives a number no score to abstain by; use patience", kind.name);
  }
  if (around.surest_so_far && context.classes == 1) {
    fail(Code::kInvalidArgument,
         "[policy] '{}' got the surest exit so far for a model that answers with a number, which is as sure as any; "
         "leave it out",
         kind.name);
  }
  if (!(around.deadline_seconds > 0)) {
    fail(Code::kInvalidArgument, "[policy] '{}' got a deadline of {} s, expected more than 0, or inf for none",
         kind.name, around.deadline_seconds);
  }
}

// Every threshold as a score, but for parts.
PolicySpec own_in_scores(PolicySpec spec, const PolicyKind& kind, int32_t classes) {
  const auto as_score = [&](Threshold& threshold) {
    threshold = Threshold::score(score_of(threshold, kind.unit, kind.name, classes));
  };
  for (Threshold& threshold : spec.thresholds) as_score(threshold);
  for (std::vector<Threshold>& row : spec.class_thresholds) std::ranges::for_each(row, as_score);
  Threshold& below = spec.wrappers.abstain_below;
  if (below.unit().empty()) return spec;
  const PolicyKind& scale = abstains_by(spec, classes);
  below = Threshold::score(score_of(below, scale.unit, scale.name, classes));
  return spec;
}

}  // namespace

PolicySpec checked_spec(const PolicySpec& spec, const PolicyKind& kind, const PolicyContext& context) {
  if (context.exits < 1) {
    fail(Code::kInvalidArgument, "[policy] got a model of {} exits, expected at least 1", context.exits);
  }
  if (context.classes < 1) {
    fail(Code::kInvalidArgument, "[policy] got a model of {} classes, expected at least 1", context.classes);
  }
  check_gates(kind, context);
  PolicySpec checked = own_in_scores(spec, kind, context.classes);
  checked.thresholds = checked_thresholds(checked, kind, static_cast<size_t>(context.exits - 1));
  check_class_thresholds(checked, kind, context);
  checked.temperatures = checked_temperatures(spec, context);
  checked.settings = checked_settings(spec, kind);
  if (kind.check) kind.check(checked, context);
  check_parts(spec, kind);
  check_wrappers(checked.wrappers, kind, context);
  return checked;
}

PolicySpec in_scores(PolicySpec spec, int32_t classes) {
  for (PolicySpec& part : spec.parts) part = in_scores(std::move(part), classes);
  const PolicyKind& kind = policy_kind(spec.name, classes);
  return own_in_scores(std::move(spec), kind, classes);
}

PolicySpec within_reach(PolicySpec spec, const PolicyContext& context) {
  for (PolicySpec& part : spec.parts) part = within_reach(std::move(part), context);
  if (!is_policy(spec.name) || context.classes < 2 || context.exits < 1) return spec;
  const PolicyKind& kind = policy_kind(spec.name, context.classes);
  const double highest = highest_threshold(kind, static_cast<size_t>(context.exits - 1));
  const auto reach = [&](std::vector<Threshold>& thresholds) {
    for (Threshold& threshold : thresholds) {
      if (threshold.as_score() > highest) threshold = Threshold::nobody();
      if (threshold.as_score() < kind.lowest_threshold) threshold = Threshold::everybody();
    }
  };
  reach(spec.thresholds);
  for (std::vector<Threshold>& row : spec.class_thresholds) reach(row);
  return spec;
}

}  // namespace sooner
