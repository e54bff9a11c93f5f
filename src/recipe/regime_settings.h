// Options that regimes declare for themselves, by path ("joint.weights"): kept by value, so that a configuration can be
// copied, and read by name, so that a regime is one file.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "recipe/config_options.h"

namespace sooner {

class RegimeSettings {
 public:
  using Value = std::variant<bool, int32_t, double, std::string, RuleOrList>;

  // REQUIRES: declared, with this type.
  [[nodiscard]] bool flag(std::string_view path) const { return get<bool>(path); }
  [[nodiscard]] int32_t whole(std::string_view path) const { return get<int32_t>(path); }
  [[nodiscard]] double number(std::string_view path) const { return get<double>(path); }
  [[nodiscard]] const std::string& text(std::string_view path) const { return get<std::string>(path); }
  [[nodiscard]] const RuleOrList& rule(std::string_view path) const { return get<RuleOrList>(path); }
  void set(std::string_view path, Value value) { values_.insert_or_assign(std::string(path), std::move(value)); }
  bool operator==(const RegimeSettings&) const = default;

 private:
  friend class RegimeOptions;
  template <typename T>
  [[nodiscard]] const T& get(std::string_view path) const {
    return std::get<T>(values_.find(path)->second);
  }
  std::map<std::string, Value, std::less<>> values_;
};

// What a regime's `declare` fills: options bound to settings.
class RegimeOptions {
 public:
  RegimeOptions(RegimeSettings& settings, std::vector<Option>& options) : settings_(settings), options_(options) {}

  // As Option; the default stands until something else is read. A path declared before is not declared again.
  void add(const std::string& section, const std::string& key, const std::string& comment,
           RegimeSettings::Value standard, double low = 0, double high = 0, std::vector<std::string> choices = {});

 private:
  RegimeSettings& settings_;
  std::vector<Option>& options_;
};

}  // namespace sooner
