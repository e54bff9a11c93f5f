// Small helpers for messages to people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sooner {

// Edits (insert, delete, replace) between two words.
size_t edit_distance(std::string_view a, std::string_view b);

// "did you mean 'relu1'?" when a name is near; otherwise "expected one of a, b, c" (at most `limit` listed).
std::string suggest(std::string_view got, const std::vector<std::string>& known, size_t limit = 12);

// Parts between separators; at least one (empty text gives one empty part).
std::vector<std::string> split(std::string_view text, char separator);

// The whole text as a finite decimal number. Throws kInvalidArgument naming `place`.
double parse_number(std::string_view place, std::string_view text);

// The whole text as a decimal integer from `low` to `high`. Throws kInvalidArgument naming `place`.
int64_t parse_integer(std::string_view place, std::string_view text, int64_t low, int64_t high);

// "1.14 M", "41.2 k", "980".
std::string human_count(double value);
// "1.2 MB", powers of 1000.
std::string human_bytes(double bytes);
// "1 h 02 min", "3 min 20 s", "4.2 s".
std::string human_seconds(double seconds);

}  // namespace sooner
