#include "format/policy_json.h"

#include <cmath>
#include <limits>

#include "core/error.h"

namespace sooner {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr size_t kMaxList = size_t{1} << 20U;
// The first version with members beyond exit thresholds, temperatures and a cap.
constexpr int kVersionOfParts = 3;
constexpr int kVersionOfSurest = 5;  // with surest_so_far

Json rows_to_json(const std::vector<std::vector<double>>& rows, std::string_view field) {
  Json json = Json::array();
  for (const std::vector<double>& row : rows) json.push_back(numbers_to_json(row, field));
  return json;
}

std::vector<std::vector<double>> rows_from_json(const JsonValue& value) {
  std::vector<std::vector<double>> rows;
  for (const JsonValue& row : value.items(kMaxList)) rows.push_back(row.numbers(kMaxList, -kInfinity, kInfinity));
  return rows;
}

}  // namespace

Json number_to_json(double value, std::string_view field) {
  if (std::isnan(value)) fail(Code::kInvalidArgument, "[manifest] {} is not a number", field);
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

Json numbers_to_json(const std::vector<double>& values, std::string_view field) {
  Json json = Json::array();
  for (const double value : values) json.push_back(number_to_json(value, field));
  return json;
}

Json cost_weights_to_json(const std::optional<CostWeights>& weights) {
  if (!weights) return nullptr;
  Json json;
  json["low"] = number_to_json(weights->low, "cost_weights.low");
  json["high"] = number_to_json(weights->high, "cost_weights.high");
  json["standard"] = number_to_json(weights->standard, "cost_weights.standard");
  json["shifts"] = rows_to_json(weights->shifts, "cost_weights.shifts");
  return json;
}

std::optional<CostWeights> cost_weights_from_json(const JsonValue& value) {
  if (value.is_null()) return std::nullopt;
  value.require_keys({"low", "high", "standard", "shifts"});
  CostWeights weights;
  weights.low = value["low"].number(0, kInfinity);
  weights.high = value["high"].number(0, kInfinity);
  weights.standard = value["standard"].number(0, kInfinity);
  weights.shifts = rows_from_json(value["shifts"]);
  return weights;
}

int policy_version(const PolicySpec& policy) {
  if (policy.surest_so_far) return kVersionOfSurest;  // its parts have none of their own
  PolicySpec old = policy;
  const PolicySpec plain;
  old.class_thresholds = plain.class_thresholds;
  old.abstain_below = plain.abstain_below;
  old.deadline_seconds = plain.deadline_seconds;
  old.ensemble = plain.ensemble;
  old.parts = plain.parts;
  old.cost_weight = plain.cost_weight;
  return old == policy ? 1 : kVersionOfParts;
}

Json policy_to_json(const PolicySpec& policy, int version) {
  Json json;
  json["name"] = policy.name;
  json["thresholds"] = numbers_to_json(policy.thresholds, "policy.thresholds");
  json["temperatures"] = numbers_to_json(policy.temperatures, "policy.temperatures");
  json["always_exit"] = policy.always_exit;
  json["cap"] = policy.cap;
  if (version < kVersionOfParts) return json;
  json["class_thresholds"] = rows_to_json(policy.class_thresholds, "policy.class_thresholds");
  json["abstain_below"] = number_to_json(policy.abstain_below, "policy.abstain_below");
  json["deadline_seconds"] = number_to_json(policy.deadline_seconds, "policy.deadline_seconds");
  json["ensemble"]["mean"] = policy.ensemble.mean;
  json["ensemble"]["weights"] = rows_to_json(policy.ensemble.weights, "policy.ensemble.weights");
  json["ensemble"]["biases"] = rows_to_json(policy.ensemble.biases, "policy.ensemble.biases");
  json["cost_weight"] = nullptr;
  if (policy.cost_weight) json["cost_weight"] = number_to_json(*policy.cost_weight, "policy.cost_weight");
  if (version >= kVersionOfSurest) json["surest_so_far"] = policy.surest_so_far;
  json["parts"] = Json::array();
  for (const PolicySpec& part : policy.parts) json["parts"].push_back(policy_to_json(part, version));
  return json;
}

PolicySpec policy_from_json(const JsonValue& value, int64_t version) {
  constexpr int64_t kLargest = std::numeric_limits<int32_t>::max();
  std::vector<std::string_view> keys = {"name", "thresholds", "temperatures", "always_exit", "cap"};
  if (version >= kVersionOfParts) {
    keys.insert(keys.end(),
                {"class_thresholds", "abstain_below", "deadline_seconds", "ensemble", "cost_weight", "parts"});
  }
  if (version >= kVersionOfSurest) keys.emplace_back("surest_so_far");
  value.require_keys(keys);
  PolicySpec policy;
  policy.name = value["name"].text();
  policy.thresholds = value["thresholds"].numbers(kMaxList, -kInfinity, kInfinity);
  policy.temperatures = value["temperatures"].numbers(kMaxList, 0, kInfinity);
  policy.always_exit = static_cast<int32_t>(value["always_exit"].integer(0, kLargest));
  policy.cap = static_cast<int32_t>(value["cap"].integer(-1, kLargest));
  if (version < kVersionOfParts) return policy;
  policy.class_thresholds = rows_from_json(value["class_thresholds"]);
  policy.abstain_below = value["abstain_below"].number(-kInfinity, kInfinity);
  policy.deadline_seconds = value["deadline_seconds"].number(0, kInfinity);
  const JsonValue ensemble = value["ensemble"];
  ensemble.require_keys({"mean", "weights", "biases"});
  policy.ensemble.mean = ensemble["mean"].text();
  policy.ensemble.weights = rows_from_json(ensemble["weights"]);
  policy.ensemble.biases = rows_from_json(ensemble["biases"]);
  if (version >= kVersionOfSurest) policy.surest_so_far = value["surest_so_far"].boolean();
  if (!value["cost_weight"].is_null()) policy.cost_weight = value["cost_weight"].number(0, kInfinity);
  for (const JsonValue& part : value["parts"].items(kMaxList)) policy.parts.push_back(policy_from_json(part, version));
  return policy;
}

}  // namespace sooner
