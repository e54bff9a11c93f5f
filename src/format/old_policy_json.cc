#include "format/old_policy_json.h"

#include <algorithm>
#include <array>
#include <limits>

#include "format/number_json.h"

namespace sooner {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int64_t kLargest = std::numeric_limits<int32_t>::max();
constexpr size_t kMaxList = size_t{1} << 20U;
// The first version with members beyond exit thresholds, temperatures and a cap.
constexpr int kVersionOfParts = 3;
constexpr int kVersionOfSurest = 5;  // with surest_so_far

// Whose settings had members: "policy.setting".
constexpr std::array<std::string_view, 6> kSettings = {"always.exit",     "ensemble.mean",    "ensemble.weights",
                                                       "ensemble.biases", "gate.cost_weight", "confidence.cost_weight"};
constexpr std::array<std::string_view, 12> kNames = {"entropy", "max-prob", "margin", "gate", "confidence", "patience",
                                                     "vote",    "ensemble", "any",    "all",  "always",     "never"};

constexpr std::string_view kExit = "exit", kMean = "mean", kWeights = "weights", kBiases = "biases",
                           kCostWeight = "cost_weight";

template <typename T>
T setting_or(const PolicySpec& policy, std::string_view name, T standard) {
  const SettingValue* value = policy.settings.find(name);
  return value == nullptr ? standard : std::get<T>(*value);
}

NumberRows class_scores(const PolicySpec& policy) {
  NumberRows rows;
  for (const std::vector<Threshold>& row : policy.class_thresholds) rows.push_back(scores_of(row));
  return rows;
}

}  // namespace

std::optional<int> old_policy_version(const PolicySpec& policy) {
  if (std::ranges::find(kNames, policy.name) == kNames.end()) return std::nullopt;
  int version = 1;
  for (const auto& [name, value] : policy.settings) {
    if (std::ranges::find(kSettings, policy.name + "." + name) == kSettings.end()) return std::nullopt;
    if (name != kExit) version = kVersionOfParts;
  }
  for (const PolicySpec& part : policy.parts) {
    const std::optional<int> own = old_policy_version(part);
    if (!own) return std::nullopt;
    version = std::max({version, *own, kVersionOfParts});
  }
  const PolicyWrappers& around = policy.wrappers;
  if (!policy.class_thresholds.empty() || around.abstains() || around.deadline_seconds != kInfinity) {
    version = std::max(version, kVersionOfParts);
  }
  return around.surest_so_far ? kVersionOfSurest : version;
}

Json old_policy_to_json(const PolicySpec& policy, int version) {
  Json json;
  json["name"] = policy.name;
  json["thresholds"] = numbers_to_json(scores_of(policy.thresholds), "policy.thresholds");
  json["temperatures"] = numbers_to_json(policy.temperatures, "policy.temperatures");
  json["always_exit"] = setting_or(policy, kExit, int64_t{0});
  json["cap"] = policy.wrappers.cap;
  if (version < kVersionOfParts) return json;
  json["class_thresholds"] = rows_to_json(class_scores(policy), "policy.class_thresholds");
  json["abstain_below"] = number_to_json(policy.wrappers.abstain_below.as_score(), "policy.abstain_below");
  json["deadline_seconds"] = number_to_json(policy.wrappers.deadline_seconds, "policy.deadline_seconds");
  json["ensemble"]["mean"] = setting_or(policy, kMean, std::string("geometric"));
  json["ensemble"]["weights"] = rows_to_json(setting_or(policy, kWeights, NumberRows()), "policy.ensemble.weights");
  json["ensemble"]["biases"] = rows_to_json(setting_or(policy, kBiases, NumberRows()), "policy.ensemble.biases");
  json["cost_weight"] = nullptr;
  if (policy.settings.has(kCostWeight)) {
    json["cost_weight"] = number_to_json(policy.settings.number(kCostWeight), "policy.cost_weight");
  }
  if (version >= kVersionOfSurest) json["surest_so_far"] = policy.wrappers.surest_so_far;
  json["parts"] = Json::array();
  for (const PolicySpec& part : policy.parts) json["parts"].push_back(old_policy_to_json(part, version));
  return json;
}

PolicySpec old_policy_from_json(const JsonValue& value, int64_t version) {
  std::vector<std::string_view> keys = {"name", "thresholds", "temperatures", "always_exit", "cap"};
  if (version >= kVersionOfParts) {
    keys.insert(keys.end(),
                {"class_thresholds", "abstain_below", "deadline_seconds", "ensemble", "cost_weight", "parts"});
  }
  if (version >= kVersionOfSurest) keys.emplace_back("surest_so_far");
  value.require_keys(keys);
  PolicySpec policy;
  policy.name = value["name"].text();
  policy.thresholds = Threshold::scores(value["thresholds"].numbers(kMaxList, -kInfinity, kInfinity));
  policy.temperatures = value["temperatures"].numbers(kMaxList, 0, kInfinity);
  const int64_t exit = value["always_exit"].integer(0, kLargest);
  if (policy.name == "always" && exit != 0) policy.settings.set(kExit, exit);
  policy.wrappers.cap = static_cast<int32_t>(value["cap"].integer(-1, kLargest));
  if (version < kVersionOfParts) return policy;
  for (const std::vector<double>& row : rows_from_json(value["class_thresholds"])) {
    policy.class_thresholds.push_back(Threshold::scores(row));
  }
  policy.wrappers.abstain_below = Threshold::score(value["abstain_below"].number(-kInfinity, kInfinity));
  policy.wrappers.deadline_seconds = value["deadline_seconds"].number(0, kInfinity);
  const JsonValue ensemble = value["ensemble"];
  ensemble.require_keys({kMean, kWeights, kBiases});
  if (std::string mean = ensemble[kMean].text(); mean != "geometric") policy.settings.set(kMean, std::move(mean));
  for (const std::string_view rows : {kWeights, kBiases}) {
    if (NumberRows given = rows_from_json(ensemble[rows]); !given.empty()) policy.settings.set(rows, std::move(given));
  }
  if (version >= kVersionOfSurest) policy.wrappers.surest_so_far = value["surest_so_far"].boolean();
  if (!value["cost_weight"].is_null()) policy.settings.set(kCostWeight, value["cost_weight"].number(0, kInfinity));
  for (const JsonValue& part : value["parts"].items(kMaxList)) {
    policy.parts.push_back(old_policy_from_json(part, version));
  }
  return policy;
}

}  // namespace sooner
