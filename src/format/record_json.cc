#include "format/record_json.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "core/error.h"
#include "format/policy_json.h"

namespace sooner {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr size_t kMaxBins = 4096;
constexpr size_t kMaxList = size_t{1} << 20U;
constexpr int64_t kMostPromises = std::numeric_limits<int32_t>::max();
constexpr std::string_view kInExpectation = "conformal";  // the bound of a promise without delta
constexpr int kVersionOfNames = 6;                        // with whose logits they are of, and rules as values
constexpr int kVersionOfWithdrawals = 7;                  // how many promises were taken back before one

using OriginMember = std::pair<const char*, std::string Origin::*>;
constexpr std::array kOldOrigin = {
    OriginMember{"data_set", &Origin::data_set}, OriginMember{"split_hash", &Origin::split_hash},
    OriginMember{"precision", &Origin::precision}, OriginMember{"backend", &Origin::backend},
    OriginMember{"instruction_set", &Origin::instruction_set}};
constexpr std::array kOrigin = {OriginMember{"weights_hash", &Origin::weights_hash},
                                OriginMember{"data_set", &Origin::data_set},
                                OriginMember{"split", &Origin::split},
                                OriginMember{"split_hash", &Origin::split_hash},
                                OriginMember{"precision", &Origin::precision},
                                OriginMember{"backend", &Origin::backend},
                                OriginMember{"instruction_set", &Origin::instruction_set}};

// The value as one of a list of words; a word that is none is refused where it stands.
template <typename Parse>
auto in_words(const JsonValue& value, Parse parse) {
  try {
    return parse(value.text());
  } catch (const Error& error) {
    if (error.code() != Code::kInvalidArgument) throw;
    value.refuse(error.what());
  }
}

Json origin_to_json(const Origin& origin) {
  Json json;
  for (const auto& [key, member] : kOrigin) json[key] = origin.*member;
  return json;
}

Origin origin_from_json(const JsonValue& value) {
  Origin origin;
  for (const auto& [key, member] : kOrigin) origin.*member = value[key].text();
  value.require_size(kOrigin.size());
  return origin;
}

Json terms_to_json(const RiskTerms& terms) {
  Json json;
  json["level"] = number_to_json(terms.level, "rule.risk.level");
  json["delta"] = terms.delta ? number_to_json(*terms.delta, "rule.risk.delta") : Json(nullptr);
  json["loss"] = to_string(terms.loss);
  json["bound"] = terms.delta ? Json(to_string(terms.bound)) : Json(nullptr);
  json["promises"] = terms.promises;
  return json;
}

RiskTerms terms_from_json(const JsonValue& value) {
  value.require_keys({"level", "delta", "loss", "bound", "promises"});
  RiskTerms terms;
  terms.level = value["level"].number(0, 1);
  if (!value["delta"].is_null()) terms.delta = value["delta"].number(0, 1);
  terms.loss = in_words(value["loss"], risk_loss_from_string);
  if (!value["bound"].is_null()) terms.bound = in_words(value["bound"], risk_bound_from_string);
  terms.promises = value["promises"].integer(1, kMostPromises);
  return terms;
}

Json rule_to_json(const CalibrationRule& rule) {
  Json json;
  json["kind"] = to_string(rule.kind);
  json["value"] = number_to_json(rule.value, "rule.value");
  json["shares"] = numbers_to_json(rule.shares, "rule.shares");
  json["times"] = numbers_to_json(rule.times, "rule.times");
  json["risk"] = rule.risk ? terms_to_json(*rule.risk) : Json(nullptr);
  json["abstention"] = nullptr;
  if (rule.abstention) {
    json["abstention"] = Json{{"goal", to_string(rule.abstention->goal)},
                              {"value", number_to_json(rule.abstention->value, "rule.abstention.value")}};
  }
  return json;
}

CalibrationRule rule_from_json(const JsonValue& value) {
  value.require_keys({"kind", "value", "shares", "times", "risk", "abstention"});
  CalibrationRule rule;
  rule.kind = in_words(value["kind"], rule_kind_from_string);
  rule.value = value["value"].number(-kInfinity, kInfinity);
  rule.shares = value["shares"].numbers(kMaxList, 0, kInfinity);
  rule.times = value["times"].numbers(kMaxList, 0, kInfinity);
  if (!value["risk"].is_null()) rule.risk = terms_from_json(value["risk"]);
  if (const JsonValue abstention = value["abstention"]; !abstention.is_null()) {
    abstention.require_keys({"goal", "value"});
    rule.abstention =
        Abstention{in_words(abstention["goal"], abstain_goal_from_string), abstention["value"].number(0, 1)};
  }
  return rule;
}

// REQUIRES: record.guarantee. Before version 6 the terms stand here as well.
Json guarantee_to_json(const CalibrationRecord& record, int version) {
  const bool named = version >= kVersionOfNames;
  const RiskGuarantee& guarantee = *record.guarantee;
  Json json;
  if (!named) {
    const RiskTerms terms = record.rule.risk.value_or(RiskTerms{});
    json["level"] = number_to_json(terms.level, "guarantee.level");
    json["delta"] = number_to_json(terms.delta.value_or(0), "guarantee.delta");
    json["loss"] = to_string(terms.loss);
    json["bound"] = terms.delta ? to_string(terms.bound) : kInExpectation;
  }
  json["samples"] = guarantee.samples;
  json["split_hash"] = guarantee.split_hash;
  json["risk"] = number_to_json(guarantee.risk, "guarantee.risk");
  if (named) {
    json["unseen"] = to_string(guarantee.unseen);
    json["number"] = guarantee.number;
  }
  if (version >= kVersionOfWithdrawals) json["withdrawn"] = guarantee.withdrawn;
  return json;
}

void guarantee_from_json(const JsonValue& value, int64_t version, CalibrationRecord& record) {
  if (value.is_null()) return;
  RiskGuarantee guarantee;
  if (version >= kVersionOfNames) {
    std::vector<std::string_view> keys = {"samples", "split_hash", "risk", "unseen", "number"};
    if (version >= kVersionOfWithdrawals) keys.emplace_back("withdrawn");
    value.require_keys(keys);
    if (version >= kVersionOfWithdrawals) guarantee.withdrawn = value["withdrawn"].integer(0, kMostPromises);
    guarantee.unseen = in_words(value["unseen"], unseen_from_string);
    guarantee.number = value["number"].integer(1, kMostPromises);
  } else {
    value.require_keys({"level", "delta", "loss", "bound", "samples", "split_hash", "risk"});
    RiskTerms terms;
    terms.level = value["level"].number(0, 1);
    terms.loss = in_words(value["loss"], risk_loss_from_string);
    if (const double delta = value["delta"].number(0, 1); delta > 0) {
      terms.delta = delta;
      terms.bound = in_words(value["bound"], risk_bound_from_string);
    }
    record.rule = {.kind = CalibrationRule::Kind::kRisk, .risk = terms};
  }
  guarantee.samples = value["samples"].integer(1, std::numeric_limits<int64_t>::max());
  guarantee.split_hash = value["split_hash"].text();
  guarantee.risk = value["risk"].number(0, 1);
  record.guarantee = guarantee;
}

// How a record's qualities are written: as accuracies, or as the errors they are minus of.
struct QualityNames {
  const char *own = "accuracy", *last_exit = "last_exit_accuracy", *exit = "exit_accuracy";
  double sign = 1;
};

QualityNames quality_names(bool number) {
  if (!number) return {};
  return {.own = "error", .last_exit = "last_exit_error", .exit = "exit_error", .sign = -1};
}

// 0 has no sign.
double times(double sign, double quality) { return quality == 0 ? 0 : sign * quality; }

std::vector<double> times(double sign, std::vector<double> qualities) {
  for (double& quality : qualities) quality = times(sign, quality);
  return qualities;
}

void check_fractions(const std::vector<double>& values, size_t count, std::string_view field) {
  if (values.size() != count) {
    fail(Code::kInvalidArgument, "[manifest] {} has {} numbers, expected {}", field, values.size(), count);
  }
  for (const double value : values) {
    if (!(value >= 0 && value <= 1)) {
      fail(Code::kInvalidArgument, "[manifest] {} holds {}, expected 0 to 1", field, value);
    }
  }
}

// Texts that are shown to people.
void check_origin(const Origin& origin) {
  for (const auto& [key, member] : kOrigin) {
    const std::string& text = origin.*member;
    if (text.empty() || is_plain_name(text)) continue;
    fail(Code::kInvalidArgument, "[manifest] calibration.origin: {} is '{}', expected plain text", key,
         printable(text));
  }
}

void check_guarantee(const CalibrationRecord& record) {
  if (!record.guarantee) {
    if (record.rule.kind != CalibrationRule::Kind::kRisk) return;
    fail(Code::kInvalidArgument, "[manifest] calibration: chosen by '{}' without a guarantee", to_string(record.rule));
  }
  const RiskGuarantee& guarantee = *record.guarantee;
  check_fractions({guarantee.risk}, 1, "calibration.guarantee");
  if (guarantee.samples < 1 || record.rule.kind != CalibrationRule::Kind::kRisk || guarantee.number < 1 ||
      guarantee.withdrawn < 0) {
    fail(Code::kInvalidArgument, "[manifest] calibration.guarantee of {} samples, chosen by '{}', is not one",
         guarantee.samples, to_string(record.rule));
  }
  // What calibrate never makes.
  const RiskTerms& terms = *record.rule.risk;
  if (guarantee.number > terms.promises) {
    fail(Code::kInvalidArgument, "[manifest] calibration.guarantee: promise {}, expected at most {}, as its rule says",
         guarantee.number, terms.promises);
  }
  if (guarantee.risk > terms.level) {
    fail(Code::kInvalidArgument,
         "[manifest] calibration.guarantee: a risk of {} was seen, expected at most {}, the level promised",
         guarantee.risk, terms.level);
  }
  if (!guarantee.split_hash.empty() && guarantee.split_hash == record.origin.split_hash) {
    fail(Code::kInvalidArgument,
         "[manifest] calibration.guarantee rests on the samples {}, on which its thresholds were chosen; expected "
         "others",
         guarantee.split_hash);
  }
}

// Accuracies, or minus errors.
void check_qualities(const std::vector<double>& values, size_t count, bool number, std::string_view field) {
  if (!number) return check_fractions(values, count, field);
  if (values.size() != count) {
    fail(Code::kInvalidArgument, "[manifest] {} has {} numbers, expected {}", field, values.size(), count);
  }
  for (const double value : values) {
    if (!(value <= 0) || !std::isfinite(value)) {
      fail(Code::kInvalidArgument, "[manifest] {}: an error of {}, expected 0 or more", field, -value);
    }
  }
}

}  // namespace

int record_version(const CalibrationRecord& record) {
  const bool named = !record.name.empty() || !record.origin.weights_hash.empty() || !record.origin.split.empty() ||
                     (record.guarantee && record.guarantee->unseen != Unseen::kRecorded);
  const bool shares = record.rule.risk && record.rule.risk->promises > 1;
  const bool withdrew = record.guarantee && record.guarantee->withdrawn > 0;
  const int own = withdrew                                           ? kVersionOfWithdrawals
                  : named || shares                                  ? kVersionOfNames
                  : record.guarantee || !record.exit_savings.empty() ? 3
                                                                     : 1;
  return std::max(own, policy_version(record.policy));
}

Json record_to_json(const CalibrationRecord& record, int version, int32_t classes) {
  const bool number = classes == 1;
  const QualityNames names = quality_names(number);
  Json json;
  const bool named = version >= kVersionOfNames;
  if (named) json["name"] = record.name;
  json["policy"] = policy_to_json(record.policy, version, classes);
  if (named) {
    json["rule"] = rule_to_json(record.rule);
    json["origin"] = origin_to_json(record.origin);
    json["samples"] = record.samples;
  } else {
    json["rule"] = rule_text(record, classes);
    json["data_set"] = record.origin.data_set;
    json["split_hash"] = record.origin.split_hash;
    json["samples"] = record.samples;
    json["precision"] = record.origin.precision;
    json["backend"] = record.origin.backend;
    json["instruction_set"] = record.origin.instruction_set;
  }
  json[names.own] = number_to_json(times(names.sign, record.quality), "calibration.accuracy");
  json[names.last_exit] = number_to_json(times(names.sign, record.last_exit_quality), "calibration.last_exit_accuracy");
  json["optimality_gap"] = number_to_json(record.optimality_gap, "calibration.optimality_gap");
  json["cost_fraction"] = number_to_json(record.cost_fraction, "calibration.cost_fraction");
  json["exit_shares"] = numbers_to_json(record.exit_shares, "calibration.exit_shares");
  json[names.exit] = numbers_to_json(times(names.sign, record.exit_quality), "calibration.exit_accuracy");
  json["score_histograms"] = record.score_histograms;
  json["histogram_low"] = numbers_to_json(record.histogram_low, "calibration.histogram_low");
  json["histogram_high"] = numbers_to_json(record.histogram_high, "calibration.histogram_high");
  if (version >= 3) {
    json["exit_savings"] = numbers_to_json(record.exit_savings, "calibration.exit_savings");
    json["guarantee"] = record.guarantee ? guarantee_to_json(record, version) : Json(nullptr);
  }
  return json;
}

CalibrationRecord record_from_json(const JsonValue& value, int64_t version, int32_t classes) {
  const bool number = classes == 1;
  constexpr int64_t kLargest = std::numeric_limits<int64_t>::max();
  const QualityNames names = quality_names(number);
  const bool named = version >= kVersionOfNames;
  std::vector<std::string_view> keys = {
      "policy",        "rule",        "samples",  names.own,          names.last_exit, "optimality_gap",
      "cost_fraction", "exit_shares", names.exit, "score_histograms", "histogram_low", "histogram_high"};
  if (named) {
    keys.insert(keys.end(), {"name", "origin"});
  } else {
    keys.insert(keys.end(), {"data_set", "split_hash", "precision", "backend", "instruction_set"});
  }
  if (version >= 3) keys.insert(keys.end(), {"exit_savings", "guarantee"});
  value.require_keys(keys);
  CalibrationRecord record;
  record.policy = policy_from_json(value["policy"], version, classes);
  record.samples = value["samples"].integer(0, kLargest);
  if (named) {
    record.name = value["name"].text();
    record.rule = rule_from_json(value["rule"]);
    record.origin = origin_from_json(value["origin"]);
  } else {
    record.rule = in_words(value["rule"], parse_calibration_rule);
    for (const auto& [key, member] : kOldOrigin) record.origin.*member = value[key].text();
  }
  record.quality = times(names.sign, value[names.own].number(-kInfinity, kInfinity));
  record.last_exit_quality = times(names.sign, value[names.last_exit].number(-kInfinity, kInfinity));
  record.optimality_gap = value["optimality_gap"].number(-kInfinity, kInfinity);
  record.cost_fraction = value["cost_fraction"].number(-kInfinity, kInfinity);
  record.exit_shares = value["exit_shares"].numbers(kMaxList, -kInfinity, kInfinity);
  record.exit_quality = times(names.sign, value[names.exit].numbers(kMaxList, -kInfinity, kInfinity));
  for (const JsonValue& histogram : value["score_histograms"].items(kMaxList)) {
    record.score_histograms.push_back(histogram.integers(kMaxBins, 0, kLargest));
  }
  record.histogram_low = value["histogram_low"].numbers(kMaxList, -kInfinity, kInfinity);
  record.histogram_high = value["histogram_high"].numbers(kMaxList, -kInfinity, kInfinity);
  if (version >= 3) {
    record.exit_savings = value["exit_savings"].numbers(kMaxList, -kInfinity, kInfinity);
    guarantee_from_json(value["guarantee"], version, record);
  }
  return record;
}

void check_policy(const PolicySpec& policy, const PolicyContext& context, std::string_view field) {
  try {
    make_policy(policy, context);
  } catch (const Error& error) {
    fail(Code::kInvalidArgument, "[manifest] {}: {}", field, error.what());
  }
}

void check_record(const CalibrationRecord& record, const PolicyContext& context) {
  const auto exits = static_cast<size_t>(context.exits);
  check_policy(record.policy, context, "calibration.policy");
  try {
    check_rule(record.rule, exits);
  } catch (const Error& error) {
    fail(Code::kInvalidArgument, "[manifest] calibration.rule: {}", error.what());
  }
  if (!record.name.empty() && !is_plain_name(record.name)) {
    fail(Code::kInvalidArgument, "[manifest] a calibration is called '{}', expected a plain name",
         printable(record.name));
  }
  const bool number = context.classes == 1;
  check_qualities({record.quality}, 1, number, "calibration.accuracy");
  check_qualities({record.last_exit_quality}, 1, number, "calibration.last_exit_accuracy");
  check_fractions(record.exit_shares, exits, "calibration.exit_shares");
  constexpr double kRounding = 1e-6;
  if (const double whole = std::accumulate(record.exit_shares.begin(), record.exit_shares.end(), 0.0);
      std::abs(whole - 1) > kRounding) {
    fail(Code::kInvalidArgument, "[manifest] calibration.exit_shares sum to {:.6g}, expected 1", whole);
  }
  check_qualities(record.exit_quality, exits, number, "calibration.exit_accuracy");
  if (!(record.cost_fraction >= 0) || !std::isfinite(record.cost_fraction) || !std::isfinite(record.optimality_gap)) {
    fail(Code::kInvalidArgument, "[manifest] calibration: cost {} or optimality gap {} is not a cost",
         record.cost_fraction, record.optimality_gap);
  }
  if (!record.exit_savings.empty() && record.exit_savings.size() + 1 != exits) {
    fail(Code::kInvalidArgument, "[manifest] calibration: savings of {} exits, expected {}: the early ones",
         record.exit_savings.size(), exits - 1);
  }
  for (const double saving : record.exit_savings) {
    if (!(saving >= 0) || !std::isfinite(saving)) {
      fail(Code::kInvalidArgument, "[manifest] calibration: an exit's saving of {}, expected 0 or more", saving);
    }
  }
  check_guarantee(record);
  check_origin(record.origin);
  const size_t histograms = record.score_histograms.size();
  if ((histograms != 0 && histograms != exits) || record.histogram_low.size() != histograms ||
      record.histogram_high.size() != histograms) {
    fail(Code::kInvalidArgument, "[manifest] calibration: {} score histograms with {} and {} bounds, expected {}",
         histograms, record.histogram_low.size(), record.histogram_high.size(), exits);
  }
  for (size_t k = 0; k < histograms; ++k) {
    const std::vector<int64_t>& histogram = record.score_histograms[k];
    if (histogram.empty() || histogram.size() > kMaxBins) {
      fail(Code::kInvalidArgument, "[manifest] calibration: a histogram of {} bins, expected 1 to {}", histogram.size(),
           kMaxBins);
    }
    const double low = record.histogram_low[k], high = record.histogram_high[k];
    if (!(low <= high) || !std::isfinite(low) || !std::isfinite(high)) {
      fail(Code::kInvalidArgument, "[manifest] calibration: a histogram from {} to {}, expected finite bounds", low,
           high);
    }
    for (const int64_t bin : histogram) {
      if (bin < 0 || bin > record.samples) {
        fail(Code::kInvalidArgument, "[manifest] calibration: {} samples in a bin, expected 0 to {}", bin,
             record.samples);
      }
    }
  }
}

}  // namespace sooner
