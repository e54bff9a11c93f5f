#include "policy/calibration_rule.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.h"
#include "core/text.h"

namespace sooner {

namespace {

using Kind = CalibrationRule::Kind;

constexpr std::array kKinds = {Kind::kAccuracyDrop, Kind::kErrorRise, Kind::kLatency,   Kind::kClassDrop,
                               Kind::kBudget,       Kind::kShares,    Kind::kUntouched, Kind::kRisk};
// Between a rule and the goal of an abstention.
constexpr std::string_view kAbstaining = " and ";
// How files before version 6 begin to describe the rule of a policy that stands by its own thresholds.
constexpr std::string_view kOwnRule = "rule ";

std::vector<double> parse_list(std::string_view what, std::string_view text) {
  std::vector<double> values;
  for (const std::string& part : split(text, ',')) values.push_back(parse_number(what, part));
  return values;
}

CalibrationRule parse_choice(std::string_view text) {
  if (text.starts_with(kOwnRule)) return {};
  const size_t at = text.find_first_of(" =");
  const Kind kind = rule_kind_from_string(text.substr(0, at));
  const std::string place = fmt::format("rule {}", to_string(kind));
  const std::string_view value = at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
  CalibrationRule rule{.kind = kind};
  switch (kind) {
    case Kind::kUntouched:
      if (!value.empty()) fail(Code::kInvalidArgument, "[rule] 'untouched' got a value, expected none");
      break;
    case Kind::kShares:
      rule.shares = parse_list(place, value);
      break;
    case Kind::kLatency: {
      const size_t gap = value.find(' ');
      if (gap == std::string_view::npos) {
        fail(Code::kInvalidArgument, "[rule] 'latency' got '{}', expected a drop and the times of all exits", value);
      }
      rule.value = parse_number(place, value.substr(0, gap));
      rule.times = parse_list(place, value.substr(gap + 1));
      break;
    }
    case Kind::kRisk:
      rule.risk = parse_risk_terms(text);
      break;
    case Kind::kAccuracyDrop:
    case Kind::kErrorRise:
    case Kind::kClassDrop:
    case Kind::kBudget:
      rule.value = parse_number(place, value);
      break;
  }
  return rule;
}

std::string choice_text(const CalibrationRule& rule) {
  const std::string_view name = to_string(rule.kind);
  switch (rule.kind) {
    case Kind::kLatency:
      if (rule.times.empty()) break;  // of no machine in particular
      return fmt::format("{} {} {}", name, rule.value, fmt::join(rule.times, ","));
    case Kind::kShares:
      return fmt::format("{} {}", name, fmt::join(rule.shares, ","));
    case Kind::kUntouched:
      return std::string(name);
    case Kind::kRisk:
      return to_string(rule.risk.value_or(RiskTerms{}));
    case Kind::kAccuracyDrop:
    case Kind::kErrorRise:
    case Kind::kClassDrop:
    case Kind::kBudget:
      break;
  }
  return fmt::format("{} {}", name, rule.value);
}

void check_numbers(Kind kind, std::string_view what, const std::vector<double>& values, size_t count) {
  const bool usable = std::ranges::all_of(values, [](double value) { return std::isfinite(value) && value >= 0; });
  if (values.size() == count && usable) return;
  fail(Code::kInvalidArgument, "[rule] '{}' got {} {}, expected {} finite numbers from 0", to_string(kind), what,
       values.empty() ? "none" : fmt::format("{}", fmt::join(values, ",")), count);
}

}  // namespace

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::kAccuracyDrop:
      return "accuracy-drop";
    case Kind::kErrorRise:
      return "error-rise";
    case Kind::kLatency:
      return "latency";
    case Kind::kClassDrop:
      return "class-drop";
    case Kind::kBudget:
      return "budget";
    case Kind::kShares:
      return "shares";
    case Kind::kUntouched:
      return "untouched";
    case Kind::kRisk:
      return "risk";
  }
  return "unknown";
}

Kind rule_kind_from_string(std::string_view text) {
  std::vector<std::string> names;
  for (const Kind kind : kKinds) {
    if (text == to_string(kind)) return kind;
    names.emplace_back(to_string(kind));
  }
  fail(Code::kInvalidArgument, "[rule] got unknown rule '{}'; {}", text, suggest(std::string(text), names));
}

CalibrationRule parse_calibration_rule(std::string_view text) {
  const size_t end = std::min(text.find(kAbstaining), text.size());
  CalibrationRule rule = parse_choice(text.substr(0, end));
  if (end < text.size()) rule.abstention = parse_abstention(text.substr(end + kAbstaining.size()));
  return rule;
}

std::string to_string(const CalibrationRule& rule) {
  if (!rule.abstention) return choice_text(rule);
  return choice_text(rule) + std::string(kAbstaining) + to_string(*rule.abstention);
}

CalibrationRule without_times(CalibrationRule rule) {
  rule.times.clear();
  return rule;
}

void check_rule(const CalibrationRule& rule, size_t exits) {
  const bool has_value = rule.kind != Kind::kShares && rule.kind != Kind::kUntouched && rule.kind != Kind::kRisk;
  check_numbers(rule.kind, "value", {rule.value}, 1);
  if (!has_value && rule.value != 0) {
    fail(Code::kInvalidArgument, "[rule] '{}' got the value {}, expected none", to_string(rule.kind), rule.value);
  }
  check_numbers(rule.kind, "shares", rule.shares, rule.kind == Kind::kShares ? exits : 0);
  check_numbers(rule.kind, "times", rule.times, rule.kind == Kind::kLatency ? exits : 0);
  if (rule.risk.has_value() != (rule.kind == Kind::kRisk)) {
    fail(Code::kInvalidArgument, "[rule] '{}' got {} terms of a promise, expected {}", to_string(rule.kind),
         rule.risk ? "the" : "no", rule.risk ? "none" : "them");
  }
  if (rule.risk) {
    const auto fraction = [](double value) { return value > 0 && value < 1; };
    const bool shared = rule.risk->promises > 1;
    if (!fraction(rule.risk->level) || (rule.risk->delta && !fraction(*rule.risk->delta)) || rule.risk->promises < 1 ||
        (shared && !rule.risk->delta)) {
      fail(Code::kInvalidArgument,
           "[rule] '{}' is no promise: level and delta lie between 0 and 1, and promises share a delta",
           to_string(*rule.risk));
    }
  }
  if (rule.abstention && !(rule.abstention->value >= 0 && rule.abstention->value <= 1)) {
    fail(Code::kInvalidArgument, "[rule] '{}' is no goal: fractions lie from 0 to 1", to_string(*rule.abstention));
  }
}

}  // namespace sooner
