#include "cli/table.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "data/csv.h"

namespace sooner {
namespace {

// Characters shown, counting a UTF-8 sequence once.
size_t width(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

std::string key(const std::string& title) {
  std::string result;
  for (const char c : title) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (!result.empty() && result.back() != '_') {
      result += '_';
    }
  }
  while (!result.empty() && result.back() == '_') result.pop_back();
  return result;
}

std::string csv_cell(const Cell& cell) {
  return cell.is_number ? fmt::format("{}", cell.number) : csv_field(cell.text);
}

}  // namespace

Cell cell(std::string text) { return {std::move(text), 0, false, false}; }
Cell percent(double fraction, int digits) {
  return {fmt::format("{:.{}f} %", 100 * fraction, digits), fraction, true, false};
}
Cell number(double value, int digits) { return {fmt::format("{:.{}f}", value, digits), value, true, false}; }
Cell quality_cell(const std::optional<Quantity>& quantity, double quality, int digits) {
  const std::string text = quality_text(quantity, quality, digits);
  return std::isnan(quality) ? cell(text) : Cell{text, quality_number(quantity, quality), true, false};
}
Cell count(int64_t value) { return {fmt::format("{}", value), static_cast<double>(value), true, true}; }

Table::Table(std::vector<std::string> columns) : columns_(std::move(columns)) {}

void Table::add(std::vector<Cell> row) {
  SOONER_ASSERT(row.size() == columns_.size());
  rows_.push_back(std::move(row));
}

nlohmann::ordered_json Table::json() const {
  nlohmann::ordered_json array = nlohmann::ordered_json::array();
  for (const auto& row : rows_) {
    nlohmann::ordered_json object;
    for (size_t i = 0; i < row.size(); ++i) {
      nlohmann::ordered_json& value = object[key(columns_[i])];
      if (row[i].is_count) {
        value = static_cast<int64_t>(row[i].number);
      } else if (row[i].is_number) {
        value = row[i].number;
      } else if (row[i].text != "-") {
        value = row[i].text;
      }
    }
    array.push_back(std::move(object));
  }
  return array;
}

std::string Table::render(OutputForm form) const {
  std::string out;
  if (form == OutputForm::kJson) return json().dump(2) + "\n";
  if (form == OutputForm::kCsv) {
    for (size_t i = 0; i < columns_.size(); ++i) out += (i == 0 ? "" : ",") + key(columns_[i]);
    out += '\n';
    for (const auto& row : rows_) {
      for (size_t i = 0; i < row.size(); ++i) out += (i == 0 ? "" : ",") + csv_cell(row[i]);
      out += '\n';
    }
    return out;
  }
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns_.size(); ++i) {
    size_t widest = width(columns_[i]);
    for (const auto& row : rows_) widest = std::max(widest, width(row[i].text));
    widths.push_back(widest);
  }
  const auto line = [&](const auto& text_of, const auto& right_of) {
    std::string result;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const std::string text = text_of(i);
      const std::string pad(widths[i] - width(text), ' ');
      result += (i == 0 ? "" : "  ") + (right_of(i) ? pad + text : text + pad);
    }
    while (!result.empty() && result.back() == ' ') result.pop_back();
    return result + '\n';
  };
  const auto numeric = [&](size_t i) { return !rows_.empty() && rows_[0][i].is_number; };
  out += line([&](size_t i) { return columns_[i]; }, numeric);
  size_t total = 0;
  for (const size_t w : widths) total += w + 2;
  out += std::string(total - 2, '-') + '\n';
  for (const auto& row : rows_) out += line([&](size_t i) { return row[i].text; }, numeric);
  return out;
}

void Table::print(OutputForm form) const { fmt::print("{}", render(form)); }

}  // namespace sooner
