#include "core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "core/error.h"

namespace sooner {

namespace {

// Three significant digits and a prefix; 999.9 k is 1 M, since it reads so when rounded.
std::string human_quantity(double value, std::string_view unit) {
  for (const auto& [factor, prefix] : {std::pair{1e9, "G"}, {1e6, "M"}, {1e3, "k"}}) {
    if (std::abs(value) >= 0.9995 * factor) return fmt::format("{:.3g} {}{}", value / factor, prefix, unit);
  }
  return unit.empty() ? fmt::format("{:.3g}", value) : fmt::format("{:.3g} {}", value, unit);
}

}  // namespace

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

std::string suggest(std::string_view got, const std::vector<std::string>& known, size_t limit) {
  const auto nearest = std::min_element(known.begin(), known.end(), [&](const std::string& a, const std::string& b) {
    return edit_distance(got, a) < edit_distance(got, b);
  });
  if (nearest != known.end() && edit_distance(got, *nearest) <= std::max<size_t>(1, got.size() / 3)) {
    return fmt::format("did you mean '{}'?", *nearest);
  }
  const bool more = known.size() > limit;
  const auto end = known.begin() + static_cast<std::ptrdiff_t>(std::min(limit, known.size()));
  return fmt::format("expected one of {}{}", fmt::join(known.begin(), end, ", "), more ? ", …" : "");
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const size_t at = text.find(separator);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

double parse_number(std::string_view place, std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) {
    fail(Code::kInvalidArgument, "[{}] '{}' is not a number", place, text);
  }
  return value;
}

int64_t parse_integer(std::string_view place, std::string_view text, int64_t low, int64_t high) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if ((error != std::errc{} && error != std::errc::result_out_of_range) || end != text.data() + text.size()) {
    fail(Code::kInvalidArgument, "[{}] '{}' is not a whole number", place, text);
  }
  if (error == std::errc::result_out_of_range || value < low || value > high) {
    fail(Code::kInvalidArgument, "[{}] {} is out of range, expected {} to {}", place, text, low, high);
  }
  return value;
}

std::string human_count(double value) { return human_quantity(value, ""); }

std::string human_bytes(double bytes) { return human_quantity(bytes, "B"); }

std::string human_seconds(double seconds) {
  if (seconds < 59.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<long>(std::lround(seconds));
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

}  // namespace sooner
