#include "tune/calibration_rule.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/error.h"
#include "core/text.h"

namespace sooner {

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
  if (name == "budget") return {.kind = CalibrationRule::Kind::kBudget, .value = parse_number("rule budget", value)};
  if (name == "shares") {
    CalibrationRule rule{.kind = CalibrationRule::Kind::kShares};
    for (const std::string& part : split(value, ',')) rule.shares.push_back(parse_number("rule shares", part));
    return rule;
  }
  fail(Code::kInvalidArgument, "[rule] got unknown rule '{}'; {}", name,
       suggest(name, {"accuracy-drop", "budget", "shares", "untouched"}));
}

std::string to_string(const CalibrationRule& rule) {
  switch (rule.kind) {
    case CalibrationRule::Kind::kAccuracyDrop:
      return fmt::format("accuracy-drop {}", rule.value);
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
