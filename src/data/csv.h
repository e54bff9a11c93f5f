// Comma-separated text: taken apart, and its fields written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sooner {

struct CsvRow {
  int64_t line = 0;  // where it begins, from 1
  std::vector<std::string> fields;
};

// Fields may be quoted ("a ""b"", c"), and then hold commas and line ends. Blank lines are left out, as are blanks
// around fields that are not quoted and a byte order mark. Ends of line: LF or CRLF. `name` is the file's, for errors.
// Throws kDataLoss naming the line for a quote that is not closed or has text behind it.
std::vector<CsvRow> parse_csv(std::string_view text, std::string_view name);

// The text as one field, quoted where it holds commas, quotes or line ends.
std::string csv_field(const std::string& text);

}  // namespace sooner
