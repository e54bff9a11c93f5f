#include "policy/checked_spec.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/text.h"

namespace sooner {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr size_t kMostParts = 16;
constexpr int kDeepestParts = 8;
// exp(w) of a weight within is a usable number.
constexpr double kLargestWeight = 50;

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
std::vector<double> checked_thresholds(const PolicySpec& spec, const PolicyKind& kind, size_t early_exits) {
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
    return std::vector<double>(early_exits, *kind.default_threshold);
  }
  if (spec.thresholds.size() != early_exits) {
    fail(Code::kInvalidArgument,
         "[policy] '{}' got {} thresholds, expected {}: one per early exit; tune the model or name them", kind.name,
         spec.thresholds.size(), early_exits);
  }
  for (size_t k = 0; k < early_exits; ++k) check_threshold(kind, spec.thresholds[k], k, early_exits);
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
    for (const double threshold : spec.class_thresholds[k]) {
      check_threshold(kind, threshold, k, spec.class_thresholds.size());
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

// Rows of numbers, one row an early exit, or none. size_of: of row k.
template <typename SizeOf>
void check_rows(std::string_view what, const std::vector<std::vector<double>>& rows, size_t early_exits,
                SizeOf size_of) {
  if (rows.empty()) return;
  if (rows.size() != early_exits) {
    fail(Code::kInvalidArgument, "[policy] 'ensemble' got {} for {} exits, expected {}: the early exits", what,
         rows.size(), early_exits);
  }
  for (size_t k = 0; k < rows.size(); ++k) {
    if (rows[k].size() != size_of(k)) {
      fail(Code::kInvalidArgument, "[policy] 'ensemble' got {} {} at exit {}, expected {}", rows[k].size(), what, k,
           size_of(k));
    }
    for (const double value : rows[k]) {
      if (!(std::abs(value) <= kLargestWeight)) {
        fail(Code::kInvalidArgument, "[policy] 'ensemble' got {} among its {} at exit {}, expected {} to {}", value,
             what, k, -kLargestWeight, kLargestWeight);
      }
    }
  }
}

void check_ensemble(const PolicySpec& spec, const PolicyContext& context) {
  const EnsembleSpec& ensemble = spec.ensemble;
  if (spec.name != "ensemble") {
    if (ensemble == EnsembleSpec{}) return;
    fail(Code::kInvalidArgument, "[policy] '{}' got a way to join exits, expected none; use 'ensemble'", spec.name);
  }
  if (ensemble.mean != "geometric" && ensemble.mean != "arithmetic") {
    fail(Code::kInvalidArgument, "[policy] 'ensemble' got the mean '{}'; {}", ensemble.mean,
         suggest(ensemble.mean, {"geometric", "arithmetic"}));
  }
  if (ensemble.mean == "arithmetic" && !(ensemble.weights.empty() && ensemble.biases.empty())) {
    fail(Code::kInvalidArgument,
         "[policy] 'ensemble' got weights or biases for an arithmetic mean, expected none; use the geometric one");
  }
  const auto early_exits = static_cast<size_t>(context.exits - 1);
  check_rows("weights", ensemble.weights, early_exits, [](size_t k) { return k + 1; });
  check_rows("biases", ensemble.biases, early_exits,
             [&](size_t /*k*/) { return static_cast<size_t>(context.classes); });
}

void check_gates(const PolicySpec& spec, const PolicyKind& kind, const PolicyContext& context) {
  if (kind.gates && context.exits > 1 && !context.has_gates) {
    fail(Code::kInvalidArgument,
         "[policy] '{}' needs a gate at every early exit and this model has none; use max-prob or entropy", kind.name);
  }
  if (context.cost_weights) check_cost_weights(*context.cost_weights, static_cast<size_t>(context.exits - 1));
  if (!spec.cost_weight) return;
  if (!kind.gates) {
    fail(Code::kInvalidArgument, "[policy] '{}' got a cost weight, expected none; 'gate' and 'confidence' have one",
         kind.name);
  }
  if (!context.cost_weights) {
    fail(Code::kInvalidArgument,
         "[policy] got cost weight {}, expected none: this model's gates were trained for a single one",
         *spec.cost_weight);
  }
  check_cost_weight(*context.cost_weights, *spec.cost_weight);
}

// Looks no further than the limit.
bool deeper_than(const PolicySpec& spec, int depth) {
  if (spec.parts.empty()) return false;
  return depth == 0 ||
         std::ranges::any_of(spec.parts, [&](const PolicySpec& part) { return deeper_than(part, depth - 1); });
}

void check_parts(const PolicySpec& spec, const PolicyKind& kind) {
  if (!kind.parts) {
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
    if (part.cap != -1 || part.surest_so_far || part.abstain_below > -kInfinity || part.deadline_seconds != kInfinity) {
      fail(
          Code::kInvalidArgument,
          "[policy] part '{}' of '{}' got a cap, deadline, abstention or surest exit so far of its own, expected none; "
          "give it to '{}'",
          part.name, kind.name, kind.name);
    }
  }
}

void check_wrappers(const PolicySpec& spec, const PolicyKind& kind, const PolicyContext& context) {
  check_exit("the cap", spec.cap, -1, context.exits);
  if (std::isnan(spec.abstain_below) || spec.abstain_below == kInfinity) {
    fail(Code::kInvalidArgument, "[policy] '{}' got {} to abstain below, expected a number, or -inf for never",
         kind.name, spec.abstain_below);
  }
  if (spec.abstain_below > -kInfinity && context.classes == 1 && !kind.scores_last_exit) {
    fail(Code::kInvalidArgument, "[policy] '{}' gives a number no score to abstain by; use patience", kind.name);
  }
  if (spec.surest_so_far && context.classes == 1) {
    fail(Code::kInvalidArgument,
         "[policy] '{}' got the surest exit so far for a model that answers with a number, which is as sure as any; "
         "leave it out",
         kind.name);
  }
  if (spec.surest_so_far && spec.name == "always") {
    fail(Code::kInvalidArgument, "[policy] 'always' looks at one exit alone, so none before it is surer; use 'never'");
  }
  if (!(spec.deadline_seconds > 0)) {
    fail(Code::kInvalidArgument, "[policy] '{}' got a deadline of {} s, expected more than 0, or inf for none",
         kind.name, spec.deadline_seconds);
  }
}

}  // namespace

PolicySpec checked_spec(const PolicySpec& spec, const PolicyKind& kind, const PolicyContext& context) {
  if (context.exits < 1) {
    fail(Code::kInvalidArgument, "[policy] got a model of {} exits, expected at least 1", context.exits);
  }
  if (context.classes < 1) {
    fail(Code::kInvalidArgument, "[policy] got a model of {} classes, expected at least 1", context.classes);
  }
  check_gates(spec, kind, context);
  PolicySpec checked = spec;
  checked.thresholds = checked_thresholds(spec, kind, static_cast<size_t>(context.exits - 1));
  check_class_thresholds(spec, kind, context);
  checked.temperatures = checked_temperatures(spec, context);
  if (spec.name == "always") check_exit("'always'", spec.always_exit, 0, context.exits);
  check_ensemble(spec, context);
  check_parts(spec, kind);
  check_wrappers(spec, kind, context);
  return checked;
}

PolicySpec within_reach(PolicySpec spec, const PolicyContext& context) {
  for (PolicySpec& part : spec.parts) part = within_reach(std::move(part), context);
  const bool known = std::ranges::find(policy_names(), spec.name) != policy_names().end();
  if (!known || context.classes < 2 || context.exits < 1) return spec;
  const PolicyKind& kind = policy_kind(spec.name, context.classes);
  const double highest = highest_threshold(kind, static_cast<size_t>(context.exits - 1));
  const auto reach = [&](std::vector<double>& thresholds) {
    for (double& threshold : thresholds) {
      if (threshold > highest) threshold = kInfinity;
      if (threshold < kind.lowest_threshold) threshold = -kInfinity;
    }
  };
  reach(spec.thresholds);
  for (std::vector<double>& row : spec.class_thresholds) reach(row);
  return spec;
}

}  // namespace sooner
