#include "tune/calibration_rule.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/error.h"
#include "core/text.h"

namespace sooner {

namespace {

std::vector<double> parse_list(std::string_view what, std::string_view text) {
  std::vector<double> values;
  for (const std::string& part : split(text, ',')) values.push_back(parse_number(what, part));
  return values;
}

}  // namespace

CalibrationRule parse_calibration_rule(std::string_view text) {
  const size_t at = text.find_first_of(" =");
  const std::string_view name = text.substr(0, at);
  const std::string_view value = at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
  if (name == "untouched") {
    if (!value.empty()) fail(Code::kInvalidArgument, "[rule] 'untouched' got a value, expected none");
    return {.kind = CalibrationRule::Kind::kUntouched};
  }
  if (name == "accuracy-drop") {
    return {.kind = CalibrationRule::Kind::kAccuracyDrop, .value = parse_number("rule accuracy-drop", value)};
  }
  if (name == "error-rise") {
    return {.kind = CalibrationRule::Kind::kErrorRise, .value = parse_number("rule error-rise", value)};
  }
  if (name == "class-drop") {
    return {.kind = CalibrationRule::Kind::kClassDrop, .value = parse_number("rule class-drop", value)};
  }
  if (name == "budget") return {.kind = CalibrationRule::Kind::kBudget, .value = parse_number("rule budget", value)};
  if (name == "shares") {
    return {.kind = CalibrationRule::Kind::kShares, .shares = parse_list("rule shares", value)};
  }
  if (name == "latency") {
    const size_t gap = value.find(' ');
    if (gap == std::string_view::npos) {
      fail(Code::kInvalidArgument, "[rule] 'latency' got '{}', expected a drop and the times of all exits", value);
    }
    return {.kind = CalibrationRule::Kind::kLatency,
            .value = parse_number("rule latency", value.substr(0, gap)),
            .times = parse_list("rule latency", value.substr(gap + 1))};
  }
  fail(Code::kInvalidArgument, "[rule] got unknown rule '{}'; {}", name,
       suggest(name, {"accuracy-drop", "error-rise", "latency", "class-drop", "budget", "shares", "untouched"}));
}

std::string to_string(const CalibrationRule& rule) {
  switch (rule.kind) {
    case CalibrationRule::Kind::kAccuracyDrop:
      return fmt::format("accuracy-drop {}", rule.value);
    case CalibrationRule::Kind::kErrorRise:
      return fmt::format("error-rise {}", rule.value);
    case CalibrationRule::Kind::kLatency:
      return fmt::format("latency {} {}", rule.value, fmt::join(rule.times, ","));
    case CalibrationRule::Kind::kClassDrop:
      return fmt::format("class-drop {}", rule.value);
    case CalibrationRule::Kind::kBudget:
      return fmt::format("budget {}", rule.value);
    case CalibrationRule::Kind::kShares:
      return fmt::format("shares {}", fmt::join(rule.shares, ","));
    case CalibrationRule::Kind::kUntouched:
      return "untouched";
  }
  return "unknown";
}

}  // namespace sooner
