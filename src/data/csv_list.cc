#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <optional>
#include <set>

#include "core/error.h"
#include "core/file.h"
#include "data/csv.h"
#include "data/labelled_files.h"

namespace sooner {
namespace {

namespace fs = std::filesystem;

struct Columns {
  size_t path = 0, label = 1;
  std::optional<size_t> split;
  bool named = false;
};

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::optional<size_t> find_column(const CsvRow& row, const std::set<std::string>& names) {
  for (size_t i = 0; i < row.fields.size(); ++i) {
    if (names.contains(lower(row.fields[i]))) return i;
  }
  return std::nullopt;
}

// A first row with both a path and a label heading is a header.
Columns find_columns(const CsvRow& first) {
  const auto path = find_column(first, {"path", "file", "filename", "image", "image_path"});
  const auto label = find_column(first, {"label", "class", "target", "class_name"});
  if (!path || !label) return {};
  return {*path, *label, find_column(first, {"split", "set", "part"}), true};
}

std::optional<int32_t> whole_number(std::string_view text) {
  int32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

struct Row {
  int64_t line = 0;
  LabelledFile file;
  std::string label;
  bool is_test = false;
};

Row read_row(const fs::path& list, const CsvRow& csv, const Columns& columns) {
  const auto bad = [&](std::string_view got, std::string_view expected) {
    fail(Code::kDataLoss, "[csv] '{}' line {}: got {}, expected {}; correct the line", list.string(), csv.line, got,
         expected);
  };
  const size_t needed = std::max({columns.path, columns.label, columns.split.value_or(0)}) + 1;
  if (csv.fields.size() < needed || (!columns.named && csv.fields.size() != 2)) {
    bad(fmt::format("{} fields", csv.fields.size()), columns.named ? "as many as the first line" : "path,label");
  }
  Row row;
  row.line = csv.line;
  row.file.name = csv.fields[columns.path];
  row.label = csv.fields[columns.label];
  if (row.file.name.empty()) bad("an empty path", "a file");
  if (row.label.empty()) bad("an empty label", "a name or a number");
  if (columns.split) {
    const std::string split = lower(csv.fields[*columns.split]);
    row.is_test = split == "test" || split == "val" || split == "validation";
    if (!row.is_test && split != "train") bad(fmt::format("split '{}'", split), "train, test or val");
  }
  row.file.path = list.parent_path() / row.file.name;  // an absolute path stays as it is
  std::error_code ignored;
  if (!fs::is_regular_file(row.file.path, ignored)) {
    fail(Code::kNotFound, "[csv] '{}' line {}: there is no file '{}'; paths are relative to the list's folder",
         list.string(), csv.line, row.file.path.string());
  }
  return row;
}

// Numbers when all are numbers, names otherwise; sets every row's label.
std::vector<std::string> number_labels(const fs::path& list, std::vector<Row>& rows) {
  std::map<std::string, int32_t> by_name;
  std::set<int32_t> numbers;
  bool numeric = true;
  for (const Row& row : rows) {
    by_name.emplace(row.label, 0);
    const auto number = whole_number(row.label);
    numeric = numeric && number.has_value();
    if (number) numbers.insert(*number);
  }
  std::vector<std::string> names;
  if (!numeric) {
    for (auto& [name, number] : by_name) {
      number = static_cast<int32_t>(names.size());
      names.push_back(name);
    }
    for (Row& row : rows) row.file.label = by_name.at(row.label);
    return names;
  }
  for (const int32_t number : numbers) {
    const auto next = static_cast<int32_t>(names.size());
    if (number != next) {
      fail(Code::kDataLoss, "[csv] '{}' has label {} and no label {}, expected every number from 0; correct the labels",
           list.string(), number, next);
    }
    names.push_back(fmt::format("{}", number));
  }
  for (Row& row : rows) row.file.label = *whole_number(row.label);
  return names;
}

}  // namespace

LabelledFiles read_csv_list(const fs::path& list) {
  const std::vector<CsvRow> csv = parse_csv(read_text(list), list.string());
  if (csv.empty()) {
    fail(Code::kDataLoss, "[csv] '{}' holds no line, expected lines of path,label; fill it", list.string());
  }
  const Columns columns = find_columns(csv.front());
  std::vector<Row> rows;
  for (size_t i = columns.named ? 1 : 0; i < csv.size(); ++i) rows.push_back(read_row(list, csv[i], columns));

  LabelledFiles files;
  files.class_names = number_labels(list, rows);
  std::vector<int64_t> in_training(files.class_names.size());
  for (Row& row : rows) {
    if (!row.is_test) ++in_training[static_cast<size_t>(row.file.label)];
    (row.is_test ? files.test : files.train).push_back(std::move(row.file));
  }
  if (files.class_names.size() < 2) {
    fail(Code::kDataLoss, "[csv] '{}' has {} different labels, expected 2 or more; correct the labels", list.string(),
         files.class_names.size());
  }
  for (size_t label = 0; label < in_training.size(); ++label) {
    if (in_training[label] > 0) continue;
    fail(Code::kDataLoss, "[csv] '{}' has no training image of class '{}', expected at least one; correct the list",
         list.string(), files.class_names[label]);
  }
  return files;
}

}  // namespace sooner
