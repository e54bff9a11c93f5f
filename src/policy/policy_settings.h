// Settings that policies declare for themselves, by name ("mean"): kept by value, so that a spec can be copied, stored
// and compared, and read by name, so that a policy is one file. What there is stands in the policy's row
// (policy_kind.h); this knows no policy.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sooner {

using NumberRows = std::vector<std::vector<double>>;
using SettingValue = std::variant<bool, int64_t, double, std::string, std::vector<double>, NumberRows>;

// Values safe to share between threads. One at its default may be left out, and files and command lines leave it out:
// a spec that names it is another one to operator==, though the same policy.
class PolicySettings {
 public:
  PolicySettings() = default;
  PolicySettings(std::initializer_list<std::pair<const std::string, SettingValue>> values) : values_(values) {}

  [[nodiscard]] bool empty() const { return values_.empty(); }
  [[nodiscard]] bool has(std::string_view name) const { return values_.contains(name); }
  void set(std::string_view name, SettingValue value) { values_.insert_or_assign(std::string(name), std::move(value)); }
  void erase(std::string_view name) {
    if (const auto found = values_.find(name); found != values_.end()) values_.erase(found);
  }

  // Null where it is left out.
  [[nodiscard]] const SettingValue* find(std::string_view name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? nullptr : &found->second;
  }
  // REQUIRES: there, with this type; as all are that have a default in a spec that was checked.
  [[nodiscard]] bool flag(std::string_view name) const { return get<bool>(name); }
  [[nodiscard]] int64_t whole(std::string_view name) const { return get<int64_t>(name); }
  [[nodiscard]] double number(std::string_view name) const { return get<double>(name); }
  [[nodiscard]] const std::string& text(std::string_view name) const { return get<std::string>(name); }
  [[nodiscard]] const std::vector<double>& numbers(std::string_view name) const {
    return get<std::vector<double>>(name);
  }
  [[nodiscard]] const NumberRows& rows(std::string_view name) const { return get<NumberRows>(name); }

  [[nodiscard]] auto begin() const { return values_.begin(); }
  [[nodiscard]] auto end() const { return values_.end(); }
  bool operator==(const PolicySettings&) const = default;

 private:
  template <typename T>
  [[nodiscard]] const T& get(std::string_view name) const {
    return std::get<T>(values_.find(name)->second);
  }
  std::map<std::string, SettingValue, std::less<>> values_;
};

}  // namespace sooner
