// Text as it may stand in a page: escaped, and numbers as people read them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace sooner {

// For element content and quoted attribute values: markup escaped; what is not UTF-8 and control characters other than
// line breaks and tabs become U+FFFD.
std::string escape_html(std::string_view text);

// JSON for a <script type="application/json"> element: no '<', '>' or '&' in it, ASCII only.
std::string script_json(const nlohmann::ordered_json& json);

// A whole script or style for its element: nothing in it ends the element early. `element` is "script" or "style".
std::string inline_source(std::string_view source, std::string_view element);

// A dash when the value is not known (NaN).
std::string percent_text(double fraction, int decimals);  // "93.12 %"
std::string number_text(double value, int decimals);      // "0.362"
std::string count_text(double value);                     // "1.14 M"

}  // namespace sooner
