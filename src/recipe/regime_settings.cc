#include "recipe/regime_settings.h"

#include <algorithm>

namespace sooner {

void RegimeOptions::add(const std::string& section, const std::string& key, const std::string& comment,
                        RegimeSettings::Value standard, double low, double high, std::vector<std::string> choices) {
  const std::string path = section + "." + key;
  if (std::ranges::any_of(options_, [&](const Option& option) { return option.path() == path; })) return;
  RegimeSettings::Value& value = settings_.values_.try_emplace(path, std::move(standard)).first->second;
  Option option{section, key, comment, static_cast<bool*>(nullptr), low, high, std::move(choices)};
  std::visit([&](auto& own) { option.target = &own; }, value);
  options_.push_back(std::move(option));
}

}  // namespace sooner
