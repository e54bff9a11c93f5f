#include "format/policy_json.h"

#include <cmath>
#include <limits>

#include "core/error.h"
#include "format/old_policy_json.h"
#include "policy/policy_kind.h"

namespace sooner {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int64_t kLargest = std::numeric_limits<int32_t>::max();
constexpr size_t kMaxList = size_t{1} << 20U;
// How far apart what people read and what the policy compares may be, relative to the larger.
constexpr double kSameValue = 1e-6;

// A score as people tell it. Infinities are words: in some units they have no number.
Json value_to_json(double score, const PolicyKind& kind, int32_t classes, std::string_view field) {
  if (std::isinf(score)) return score > 0 ? "nobody" : "everybody";
  return number_to_json(people_value(score, kind.unit, classes), field);
}

// The score of one threshold, which what people read beside it has to agree with.
double score_from_json(const JsonValue& value, const JsonValue& score, const PolicyKind& kind, int32_t classes) {
  const double exact = score.number(-kInfinity, kInfinity);
  if (std::isinf(exact)) {
    const std::string_view word = exact > 0 ? "nobody" : "everybody";
    if (value.text() != word)
      value.refuse(fmt::format("got another word than '{}', which is the score beside it", word));
    return exact;
  }
  const double told = value.number(-kInfinity, kInfinity);
  const double meant = people_value(exact, kind.unit, classes);
  if (!(std::abs(told - meant) <= kSameValue * std::max(std::abs(told), std::abs(meant)))) {
    value.refuse(fmt::format("got {}, expected {}: the score beside it, which decides", told, meant));
  }
  return exact;
}

Json lists_to_json(const std::vector<Threshold>& thresholds, const PolicyKind& kind, int32_t classes) {
  Json values = Json::array(), scores = Json::array();
  for (const Threshold& threshold : thresholds) {
    const double score = score_of(threshold, kind.unit, kind.name, classes);
    values.push_back(value_to_json(score, kind, classes, "policy.thresholds"));
    scores.push_back(number_to_json(score, "policy.thresholds"));
  }
  return {{"values", values}, {"scores", scores}};
}

std::vector<Threshold> lists_from_json(const JsonValue& values, const JsonValue& scores, const PolicyKind& kind,
                                       int32_t classes) {
  const std::vector<JsonValue> told = values.items(kMaxList), exact = scores.items(kMaxList);
  if (told.size() != exact.size()) {
    values.refuse(fmt::format("got {} values, expected {}, as many as scores", told.size(), exact.size()));
  }
  std::vector<Threshold> thresholds;
  for (size_t i = 0; i < told.size(); ++i) {
    thresholds.push_back(Threshold::score(score_from_json(told[i], exact[i], kind, classes)));
  }
  return thresholds;
}

// "unit", then one list or one row a list.
Json class_thresholds_to_json(const PolicySpec& policy, const PolicyKind& kind, int32_t classes) {
  if (policy.class_thresholds.empty()) return nullptr;
  Json json = {{"unit", kind.unit.name}, {"values", Json::array()}, {"scores", Json::array()}};
  for (const std::vector<Threshold>& row : policy.class_thresholds) {
    Json lists = lists_to_json(row, kind, classes);
    json["values"].push_back(lists["values"]);
    json["scores"].push_back(lists["scores"]);
  }
  return json;
}

void require_unit(const JsonValue& value, const PolicyKind& kind) {
  if (value["unit"].text() != kind.unit.name) {
    value["unit"].refuse(fmt::format("got another unit than '{}', in which '{}' is told", kind.unit.name, kind.name));
  }
}

std::vector<Threshold> thresholds_from_json(const JsonValue& value, const PolicyKind& kind, int32_t classes) {
  if (value.is_null()) return {};
  value.require_keys({"unit", "values", "scores"});
  require_unit(value, kind);
  return lists_from_json(value["values"], value["scores"], kind, classes);
}

std::vector<std::vector<Threshold>> class_thresholds_from_json(const JsonValue& value, const PolicyKind& kind,
                                                               int32_t classes) {
  if (value.is_null()) return {};
  value.require_keys({"unit", "values", "scores"});
  require_unit(value, kind);
  const std::vector<JsonValue> values = value["values"].items(kMaxList), scores = value["scores"].items(kMaxList);
  if (values.size() != scores.size()) {
    value["values"].refuse(fmt::format("got {} rows, expected {}, as many as scores", values.size(), scores.size()));
  }
  std::vector<std::vector<Threshold>> rows;
  for (size_t k = 0; k < values.size(); ++k) rows.push_back(lists_from_json(values[k], scores[k], kind, classes));
  return rows;
}

struct SettingToJson {
  std::string_view field;
  Json operator()(bool value) const { return value; }
  Json operator()(int64_t value) const { return value; }
  Json operator()(double value) const { return number_to_json(value, field); }
  Json operator()(const std::string& value) const { return value; }
  Json operator()(const std::vector<double>& value) const { return numbers_to_json(value, field); }
  Json operator()(const NumberRows& value) const { return rows_to_json(value, field); }
};

// Of the type that the policy declares.
struct SettingFromJson {
  const JsonValue& json;
  SettingValue operator()(bool) const { return json.boolean(); }
  SettingValue operator()(int64_t) const {
    return json.integer(std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max());
  }
  SettingValue operator()(double) const { return json.number(-kInfinity, kInfinity); }
  SettingValue operator()(const std::string&) const { return json.text(); }
  SettingValue operator()(const std::vector<double>&) const { return json.numbers(kMaxList, -kInfinity, kInfinity); }
  SettingValue operator()(const NumberRows&) const { return rows_from_json(json); }
};

Json wrappers_to_json(const PolicySpec& policy, int32_t classes) {
  const PolicyWrappers& around = policy.wrappers;
  Json json;
  json["cap"] = around.cap;
  json["deadline_seconds"] = number_to_json(around.deadline_seconds, "policy.deadline_seconds");
  json["surest_so_far"] = around.surest_so_far;
  json["abstain_below"] = nullptr;
  if (around.abstains()) {
    const PolicyKind& scale = abstains_by(policy, classes);
    const double score = score_of(around.abstain_below, scale.unit, scale.name, classes);
    json["abstain_below"] = {{"unit", scale.unit.name},
                             {"value", value_to_json(score, scale, classes, "policy.abstain_below")},
                             {"score", number_to_json(score, "policy.abstain_below")}};
  }
  return json;
}

// The policy's name is known by now: the unit of an abstention depends on it.
void read_wrappers(const JsonValue& value, PolicySpec& policy, int32_t classes) {
  value.require_keys({"cap", "deadline_seconds", "surest_so_far", "abstain_below"});
  PolicyWrappers& around = policy.wrappers;
  around.cap = static_cast<int32_t>(value["cap"].integer(-1, kLargest));
  around.deadline_seconds = value["deadline_seconds"].number(0, kInfinity);
  around.surest_so_far = value["surest_so_far"].boolean();
  const JsonValue below = value["abstain_below"];
  if (below.is_null()) return;
  below.require_keys({"unit", "value", "score"});
  const PolicyKind& scale = abstains_by(policy, classes);
  require_unit(below, scale);
  around.abstain_below = Threshold::score(score_from_json(below["value"], below["score"], scale, classes));
}

}  // namespace

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

int policy_version(const PolicySpec& policy) { return old_policy_version(policy).value_or(kVersionOfSettings); }

Json thresholds_to_json(std::string_view policy, const std::vector<Threshold>& thresholds, int32_t classes) {
  if (thresholds.empty()) return nullptr;
  const PolicyKind& kind = policy_kind(policy, classes);
  Json lists = lists_to_json(thresholds, kind, classes);
  return {{"unit", kind.unit.name}, {"values", lists["values"]}, {"scores", lists["scores"]}};
}

Json policy_to_json(const PolicySpec& policy, int version, int32_t classes) {
  if (version < kVersionOfSettings) return old_policy_to_json(in_scores(policy, classes), version);
  const PolicyKind& kind = policy_kind(policy.name, classes);
  Json json;
  json["name"] = policy.name;
  json["thresholds"] = thresholds_to_json(policy.name, policy.thresholds, classes);
  json["class_thresholds"] = class_thresholds_to_json(policy, kind, classes);
  json["temperatures"] = numbers_to_json(policy.temperatures, "policy.temperatures");
  json["settings"] = Json::object();
  for (const auto& [name, value] : policy.settings) json["settings"][name] = std::visit(SettingToJson{name}, value);
  json["wrappers"] = wrappers_to_json(policy, classes);
  json["parts"] = Json::array();
  for (const PolicySpec& part : policy.parts) json["parts"].push_back(policy_to_json(part, version, classes));
  return json;
}

PolicySpec policy_from_json(const JsonValue& value, int64_t version, int32_t classes) {
  if (version < kVersionOfSettings) return old_policy_from_json(value, version);
  value.require_keys({"name", "thresholds", "class_thresholds", "temperatures", "settings", "wrappers", "parts"});
  PolicySpec policy;
  policy.name = value["name"].text();
  if (!is_policy(policy.name)) {
    value["name"].refuse(fmt::format(
        "got the policy '{}', which this program does not know; register it (register_policy) before it reads the "
        "file, or update sooner",
        printable(policy.name)));
  }
  const PolicyKind& kind = policy_kind(policy.name, classes);
  policy.thresholds = thresholds_from_json(value["thresholds"], kind, classes);
  policy.class_thresholds = class_thresholds_from_json(value["class_thresholds"], kind, classes);
  policy.temperatures = value["temperatures"].numbers(kMaxList, 0, kInfinity);
  const JsonValue settings = value["settings"];
  size_t known = 0;
  for (const PolicySetting& setting : kind.settings) {
    if (!settings.has(setting.name)) continue;
    const JsonValue given = settings[setting.name];
    policy.settings.set(setting.name, std::visit(SettingFromJson{given}, setting.type()));
    ++known;
  }
  settings.require_size(known);
  read_wrappers(value["wrappers"], policy, classes);
  for (const JsonValue& part : value["parts"].items(kMaxList)) {
    policy.parts.push_back(policy_from_json(part, version, classes));
  }
  return policy;
}

}  // namespace sooner
