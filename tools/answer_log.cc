#include "answer_log.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/text.h"
#include "data/csv.h"

namespace sooner {
namespace {

constexpr std::string_view kFirstColumn = "path,";

[[noreturn]] void refuse(const std::string& name, int64_t line, std::string_view what) {
  fail(Code::kInvalidArgument, "[answers] {}:{}: {}, expected a line as `sooner predict` writes it", name, line, what);
}

LoggedAnswer from_json(std::string_view text, const std::string& name, int64_t line) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) refuse(name, line, "got no JSON object");
  LoggedAnswer answer{.line = line};
  for (const auto& [key, member] : {std::pair("path", &LoggedAnswer::path), std::pair("error", &LoggedAnswer::error),
                                    std::pair("by", &LoggedAnswer::by)}) {
    const auto found = json.find(key);
    if (found == json.end()) continue;
    if (!found->is_string()) refuse(name, line, fmt::format("got {} {}", key, found->dump()));
    answer.*member = found->get<std::string>();
  }
  if (const auto exit = json.find("exit"); exit != json.end()) {
    if (!exit->is_number_integer()) refuse(name, line, fmt::format("got exit {}", exit->dump()));
    answer.exit = exit->get<int64_t>();
  }
  if (const auto score = json.find("score"); score != json.end()) {
    if (!score->is_number()) refuse(name, line, fmt::format("got score {}", score->dump()));
    answer.score = score->get<double>();
  }
  return answer;
}

LoggedAnswer from_csv(const std::vector<std::string>& columns, const CsvRow& row, const std::string& name,
                      int64_t line) {
  if (row.fields.size() != columns.size()) {
    refuse(name, line, fmt::format("got {} fields for {} columns", row.fields.size(), columns.size()));
  }
  const auto field = [&](std::string_view column) {
    const auto found = std::ranges::find(columns, column);
    return found == columns.end() ? std::string() : row.fields[static_cast<size_t>(found - columns.begin())];
  };
  LoggedAnswer answer{.line = line, .path = field("path"), .error = field("error"), .by = field("by")};
  constexpr int64_t kLargest = int64_t{1} << 31U;
  try {
    if (const std::string exit = field("exit"); !exit.empty()) answer.exit = parse_integer("exit", exit, 0, kLargest);
    if (const std::string score = field("score"); !score.empty()) answer.score = parse_number("score", score);
  } catch (const Error& error) {
    refuse(name, line, error.what());
  }
  return answer;
}

}  // namespace

std::optional<std::vector<std::string>> csv_columns(std::string_view text) {
  if (!text.starts_with(kFirstColumn)) return std::nullopt;
  return parse_csv(text.substr(0, text.find('\n')), "").at(0).fields;
}

void for_each_answer(std::string_view text, size_t begin, const std::string& name,
                     const std::function<void(const LoggedAnswer&)>& take) {
  const auto columns = csv_columns(text);
  if (columns && begin == 0) begin = std::min(text.find('\n'), text.size() - 1) + 1;
  const int64_t first = 1 + std::ranges::count(text.substr(0, begin), '\n');
  if (columns) {
    for (const CsvRow& row : parse_csv(text.substr(begin), name)) {
      take(from_csv(*columns, row, name, first + row.line - 1));
    }
    return;
  }
  int64_t line = first;
  for (size_t at = begin; at < text.size(); ++line) {
    const size_t end = std::min(text.find('\n', at), text.size());
    if (end > at) take(from_json(text.substr(at, end - at), name, line));
    at = end + 1;
  }
}

}  // namespace sooner
