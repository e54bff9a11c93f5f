// A small table of results, printed as aligned text, CSV or JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/output.h"
#include "core/quantity.h"

namespace sooner {

// A number keeps its full precision in CSV and JSON; `digits` and `unit` are for people.
struct Cell {
  std::string text;   // what a person reads
  double number = 0;  // what a program reads, when is_number
  bool is_number = false;
  bool is_count = false;  // a number without fraction
};
Cell cell(std::string text);
// 0.9123 -> "91.23 %" for people, 0.9123 for programs.
Cell percent(double fraction, int digits = 2);
Cell number(double value, int digits);
// An accuracy as percent() gives it, an error with its unit for people; "-" for NaN.
Cell quality_cell(const std::optional<Quantity>& quantity, double quality, int digits = 2);
Cell count(int64_t value);

class Table {
 public:
  // Column titles for people; programs get them in lower case with '_' for every other character.
  explicit Table(std::vector<std::string> columns);
  // REQUIRES: as many cells as columns.
  void add(std::vector<Cell> row);
  // To stdout. JSON: an array of objects.
  void print(OutputForm form) const;
  [[nodiscard]] std::string render(OutputForm form) const;
  // An array of objects; "-" is null.
  [[nodiscard]] nlohmann::ordered_json json() const;

 private:
  std::vector<std::string> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace sooner
