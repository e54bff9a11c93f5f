#include "format/number_json.h"

#include <cmath>
#include <limits>

#include "core/error.h"

namespace sooner {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr size_t kMaxList = size_t{1} << 20U;

}  // namespace

nlohmann::ordered_json number_to_json(double value, std::string_view field) {
  if (std::isnan(value)) fail(Code::kInvalidArgument, "[manifest] {} is not a number", field);
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

nlohmann::ordered_json numbers_to_json(const std::vector<double>& values, std::string_view field) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const double value : values) json.push_back(number_to_json(value, field));
  return json;
}

nlohmann::ordered_json rows_to_json(const std::vector<std::vector<double>>& rows, std::string_view field) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const std::vector<double>& row : rows) json.push_back(numbers_to_json(row, field));
  return json;
}

std::vector<std::vector<double>> rows_from_json(const JsonValue& value) {
  std::vector<std::vector<double>> rows;
  for (const JsonValue& row : value.items(kMaxList)) rows.push_back(row.numbers(kMaxList, -kInfinity, kInfinity));
  return rows;
}

}  // namespace sooner
