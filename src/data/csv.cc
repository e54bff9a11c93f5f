#include "data/csv.h"

#include <algorithm>
#include <utility>

#include "core/error.h"

namespace sooner {
namespace {

class Parser {
 public:
  Parser(std::string_view text, std::string_view name) : rest_(text), name_(name) {
    if (rest_.starts_with("\xef\xbb\xbf")) rest_.remove_prefix(3);
  }

  std::vector<CsvRow> run() {
    std::vector<CsvRow> rows;
    while (!rest_.empty()) {
      CsvRow row{line_, {}};
      do {
        row.fields.push_back(read_field());
      } while (take(','));
      if (!rest_.empty()) end_line();
      if (row.fields.size() > 1 || !row.fields.front().empty()) rows.push_back(std::move(row));
    }
    return rows;
  }

 private:
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void skip_blanks() {
    while (take(' ') || take('\t')) {
    }
  }

  void end_line() {
    take('\r');
    take('\n');
    ++line_;
  }

  std::string read_field() {
    skip_blanks();
    if (take('"')) return read_quoted();
    // A carriage return ends a field only as part of a line end.
    size_t end = std::min(rest_.find_first_of(",\n"), rest_.size());
    std::string_view field = rest_.substr(0, end);
    if ((end == rest_.size() || rest_[end] == '\n') && field.ends_with('\r')) field.remove_suffix(1);
    rest_.remove_prefix(field.size());
    while (field.ends_with(' ') || field.ends_with('\t')) field.remove_suffix(1);
    return std::string(field);
  }

  std::string read_quoted() {
    const int64_t opened = line_;
    std::string field;
    while (true) {
      const size_t quote = rest_.find('"');
      if (quote == std::string_view::npos) {
        fail(Code::kDataLoss, "[csv] '{}' line {}: a quote is opened and never closed; close it", name_, opened);
      }
      field += rest_.substr(0, quote);
      line_ += std::count(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(quote), '\n');
      rest_.remove_prefix(quote + 1);
      if (!take('"')) break;
      field += '"';
    }
    skip_blanks();
    if (!rest_.empty() && rest_.find_first_of(",\r\n") != 0) {
      fail(Code::kDataLoss, "[csv] '{}' line {}: got '{}' behind a closing quote, expected a comma or the line's end",
           name_, line_, rest_.front());
    }
    return field;
  }

  std::string_view rest_;
  std::string_view name_;
  int64_t line_ = 1;
};

}  // namespace

std::vector<CsvRow> parse_csv(std::string_view text, std::string_view name) { return Parser(text, name).run(); }

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

}  // namespace sooner
