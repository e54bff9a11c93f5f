// Numbers as they stand in a manifest: infinities, which JSON lacks, are strings.
#pragma once

#include <nlohmann/json.hpp>

#include <string_view>
#include <vector>

#include "format/json_reader.h"

namespace sooner {

// These throw kInvalidArgument naming the field for a NaN.
nlohmann::ordered_json number_to_json(double value, std::string_view field);
nlohmann::ordered_json numbers_to_json(const std::vector<double>& values, std::string_view field);
nlohmann::ordered_json rows_to_json(const std::vector<std::vector<double>>& rows, std::string_view field);
// Throws kDataLoss for anything else.
std::vector<std::vector<double>> rows_from_json(const JsonValue& value);

}  // namespace sooner
