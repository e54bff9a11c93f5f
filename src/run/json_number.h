// Numbers in a run's JSON files, which has no NaN: null stands for it. For .cc files alone.
#pragma once

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace sooner {

inline nlohmann::ordered_json json_number(double value) {
  return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
}

// `object[key]`; NaN where it is null, missing or no number.
inline double number_in(const nlohmann::ordered_json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_number() ? found->get<double>() : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace sooner
