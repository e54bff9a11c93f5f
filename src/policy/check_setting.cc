#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "core/error.h"
#include "core/text.h"
#include "policy/checked_spec.h"

namespace sooner {
namespace {

// In the order of SettingValue.
constexpr std::array<std::string_view, std::variant_size_v<SettingValue>> kTypes = {
    "true or false", "a whole number", "a number", "a text", "a list of numbers", "rows of numbers"};

void check_number(std::string_view policy, const PolicySetting& setting, double value, std::string_view among) {
  if (value >= setting.low && value <= setting.high) return;
  fail(Code::kInvalidArgument, "[policy] '{}' got {}{}{}, expected {} to {}", policy,
       among.empty() ? setting.name + " " : "", value, among, setting.low, setting.high);
}

}  // namespace

void check_setting(std::string_view policy, const PolicySetting& setting, const SettingValue& value) {
  if (value.index() != setting.type().index()) {
    fail(Code::kInvalidArgument, "[policy] '{}' got {} for '{}', expected {}", policy, kTypes[value.index()],
         setting.name, kTypes[setting.type().index()]);
  }
  if (const auto* whole = std::get_if<int64_t>(&value)) {
    check_number(policy, setting, static_cast<double>(*whole), "");
  } else if (const auto* number = std::get_if<double>(&value)) {
    check_number(policy, setting, *number, "");
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    if (!setting.choices.empty() && std::ranges::find(setting.choices, *text) == setting.choices.end()) {
      fail(Code::kInvalidArgument, "[policy] '{}' got the {} '{}'; {}", policy, setting.name, *text,
           suggest(*text, setting.choices));
    }
  } else if (const auto* numbers = std::get_if<std::vector<double>>(&value)) {
    for (const double each : *numbers) check_number(policy, setting, each, fmt::format(" among its {}", setting.name));
  } else if (const auto* rows = std::get_if<NumberRows>(&value)) {
    for (size_t k = 0; k < rows->size(); ++k) {
      for (const double each : (*rows)[k]) {
        check_number(policy, setting, each, fmt::format(" among its {} at exit {}", setting.name, k));
      }
    }
  }
}

std::string setting_text(const SettingValue& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* whole = std::get_if<int64_t>(&value)) return fmt::format("{}", *whole);
  if (const auto* number = std::get_if<double>(&value)) return fmt::format("{}", *number);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  return "";
}

}  // namespace sooner
