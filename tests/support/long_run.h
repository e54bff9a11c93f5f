// How many rounds a test makes that could make any number: a short form always, many times that on request
// (./test --long sets SOONER_LONG). Rounds are seeded by their number, so a long run begins with the short one.
#pragma once

#include <charconv>
#include <cstdlib>
#include <string_view>

namespace sooner::test {

// `short_form` times SOONER_LONG, which is 1 where it is unset or no number from 1 to 10,000.
inline int long_rounds(int short_form) {
  const char* variable = std::getenv("SOONER_LONG");
  const std::string_view text = variable == nullptr ? "" : variable;
  int times = 1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), times);
  const bool number = error == std::errc() && end == text.data() + text.size() && times >= 1 && times <= 10'000;
  return number ? short_form * times : short_form;
}

}  // namespace sooner::test
