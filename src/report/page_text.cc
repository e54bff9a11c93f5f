#include "report/page_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/text.h"

namespace sooner {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kDash = "–";
constexpr std::string_view kNoBreakSpace = "\u00a0";
constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

// The JSON library replaces what is not UTF-8.
std::string valid_utf8(std::string_view text) {
  return Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>();
}

bool starts_with_ignoring_case(std::string_view text, std::string_view lower_case) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return text.size() >= lower_case.size() &&
         std::equal(lower_case.begin(), lower_case.end(), text.begin(), [&](char a, char b) { return a == lower(b); });
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string result;
  for (const char c : valid_utf8(text)) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        if ((c >= 0 && c < 0x20 && c != '\n' && c != '\t') || c == 0x7f) {
          result += kReplacement;
        } else {
          result += c;
        }
    }
  }
  return result;
}

std::string script_json(const Json& json) {
  std::string result;
  for (const char c : json.dump(-1, ' ', true, Json::error_handler_t::replace)) {
    // In JSON these stand within strings only, where an escape means the same.
    if (c == '<' || c == '>' || c == '&') {
      result += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      result += c;
    }
  }
  return result;
}

std::string inline_source(std::string_view source, std::string_view element) {
  const std::string end = fmt::format("</{}", element);
  std::string result;
  result.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    result += source[i];
    const std::string_view rest = source.substr(i);
    // A backslash changes nothing within a string or a regular expression, where such text can stand.
    if (starts_with_ignoring_case(rest, end) || starts_with_ignoring_case(rest, "<!--")) result += '\\';
  }
  return result;
}

std::string percent_text(double fraction, int decimals) {
  return std::isnan(fraction) ? std::string(kDash) : fmt::format("{:.{}f}\u00a0%", 100 * fraction, decimals);
}

std::string number_text(double value, int decimals) {
  return std::isnan(value) ? std::string(kDash) : fmt::format("{:.{}f}", value, decimals);
}

std::string count_text(double value) {
  if (std::isnan(value)) return std::string(kDash);
  std::string text = human_count(value);
  const size_t space = text.find(' ');
  return space == std::string::npos ? text : text.replace(space, 1, kNoBreakSpace);
}

}  // namespace sooner
