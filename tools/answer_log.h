// What `sooner predict` wrote, read again: JSON lines, or CSV, which begins with its columns' names.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sooner {

struct LoggedAnswer {
  int64_t line = 0;  // where it stands in the file, from 1
  std::string path = {};
  std::string error = {};  // of an image that could not be read, which has nothing below
  std::string by = {};     // answered_by; empty where it does not say
  std::optional<int64_t> exit = {};
  std::optional<double> score = {};
};

// The names of the columns, where the text is CSV.
std::optional<std::vector<std::string>> csv_columns(std::string_view text);

// Hands over the answers of `text` from byte `begin` on, which is where a line begins. name: the file's, for errors.
// Throws kInvalidArgument for a line that is no answer: no JSON object, or an exit or score of another type.
void for_each_answer(std::string_view text, size_t begin, const std::string& name,
                     const std::function<void(const LoggedAnswer&)>& take);

}  // namespace sooner
