// Exit shares for people.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

namespace sooner {

// "61.2 % / 30.0 % / 8.8 %"
inline std::string shares_text(const std::vector<double>& shares) {
  std::string text;
  for (const double share : shares) text += fmt::format("{}{:.1f} %", text.empty() ? "" : " / ", 100 * share);
  return text;
}

}  // namespace sooner
