#include "format/manifest.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "format/graph_json.h"
#include "format/json_reader.h"
#include "format/policy_json.h"
#include "format/quantisation_json.h"
#include "graph/carry_set.h"
#include "policy/checked_spec.h"

namespace sooner {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr size_t kMaxCalibrations = 1024;
constexpr size_t kMaxBins = 4096;
constexpr size_t kMaxList = size_t{1} << 20U;
constexpr int64_t kMaxCheckSamples = 4096;

Json guarantee_to_json(const std::optional<RiskGuarantee>& guarantee) {
  if (!guarantee) return nullptr;
  Json json;
  json["level"] = number_to_json(guarantee->level, "guarantee.level");
  json["delta"] = number_to_json(guarantee->delta, "guarantee.delta");
  json["loss"] = guarantee->loss;
  json["bound"] = guarantee->bound;
  json["samples"] = guarantee->samples;
  json["split_hash"] = guarantee->split_hash;
  json["risk"] = number_to_json(guarantee->risk, "guarantee.risk");
  return json;
}

std::optional<RiskGuarantee> guarantee_from_json(const JsonValue& value) {
  if (value.is_null()) return std::nullopt;
  value.require_keys({"level", "delta", "loss", "bound", "samples", "split_hash", "risk"});
  RiskGuarantee guarantee;
  guarantee.level = value["level"].number(0, 1);
  guarantee.delta = value["delta"].number(0, 1);
  guarantee.loss = value["loss"].text();
  guarantee.bound = value["bound"].text();
  guarantee.samples = value["samples"].integer(1, std::numeric_limits<int64_t>::max());
  guarantee.split_hash = value["split_hash"].text();
  guarantee.risk = value["risk"].number(0, 1);
  return guarantee;
}

// The first version that knows regressions.
constexpr int kVersionOfNumbers = 4;
constexpr int kVersionOfLaterNodes = 4;

Json quantity_to_json(const std::optional<Quantity>& quantity) {
  if (!quantity) return nullptr;
  Json json;
  json["name"] = quantity->name;
  json["unit"] = quantity->unit;
  return json;
}

std::optional<Quantity> quantity_from_json(const JsonValue& value) {
  if (value.is_null()) return std::nullopt;
  value.require_keys({"name", "unit"});
  return Quantity{value["name"].text(), value["unit"].text()};
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

Json record_to_json(const CalibrationRecord& record, int version, bool number) {
  const QualityNames names = quality_names(number);
  Json json;
  json["policy"] = policy_to_json(record.policy, version);
  json["rule"] = record.rule;
  json["data_set"] = record.data_set;
  json["split_hash"] = record.split_hash;
  json["samples"] = record.samples;
  json["precision"] = record.precision;
  json["backend"] = record.backend;
  json["instruction_set"] = record.instruction_set;
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
    json["guarantee"] = guarantee_to_json(record.guarantee);
  }
  return json;
}

CalibrationRecord record_from_json(const JsonValue& value, int64_t version, bool number) {
  constexpr int64_t kLargest = std::numeric_limits<int64_t>::max();
  const QualityNames names = quality_names(number);
  std::vector<std::string_view> keys = {"policy",        "rule",          "data_set",         "split_hash",
                                        "samples",       "precision",     "backend",          "instruction_set",
                                        names.own,       names.last_exit, "optimality_gap",   "cost_fraction",
                                        "exit_shares",   names.exit,      "score_histograms", "histogram_low",
                                        "histogram_high"};
  if (version >= 3) keys.insert(keys.end(), {"exit_savings", "guarantee"});
  value.require_keys(keys);
  CalibrationRecord record;
  record.policy = policy_from_json(value["policy"], version);
  record.rule = value["rule"].text();
  record.data_set = value["data_set"].text();
  record.split_hash = value["split_hash"].text();
  record.samples = value["samples"].integer(0, kLargest);
  record.precision = value["precision"].text();
  record.backend = value["backend"].text();
  record.instruction_set = value["instruction_set"].text();
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
    record.guarantee = guarantee_from_json(value["guarantee"]);
  }
  return record;
}

Json provenance_to_json(const Provenance& provenance) {
  Json json;
  json["sooner_version"] = provenance.sooner_version;
  json["regime"] = provenance.regime;
  json["config_hash"] = provenance.config_hash;
  json["config_toml"] = provenance.config_toml;
  json["seed"] = provenance.seed;
  json["data_set"] = provenance.data_set;
  json["data_hash"] = provenance.data_hash;
  json["epochs"] = provenance.epochs;
  json["trained_at"] = provenance.trained_at;
  return json;
}

Provenance provenance_from_json(const JsonValue& value) {
  value.require_keys({"sooner_version", "regime", "config_hash", "config_toml", "seed", "data_set", "data_hash",
                      "epochs", "trained_at"});
  Provenance provenance;
  provenance.sooner_version = value["sooner_version"].text();
  provenance.regime = value["regime"].text();
  provenance.config_hash = value["config_hash"].text();
  provenance.config_toml = value["config_toml"].text();
  provenance.seed = value["seed"].unsigned_integer();
  provenance.data_set = value["data_set"].text();
  provenance.data_hash = value["data_hash"].text();
  provenance.epochs = value["epochs"].integer(0, std::numeric_limits<int64_t>::max());
  provenance.trained_at = value["trained_at"].text();
  return provenance;
}

Manifest read_manifest(const JsonValue& value) {
  const int64_t version = value["format_version"].integer(1, std::numeric_limits<int64_t>::max());
  if (version > kFormatVersion) {
    value["format_version"].refuse(
        fmt::format("written by a newer sooner, this one reads up to version {}; update sooner", kFormatVersion));
  }
  std::vector<std::string_view> keys = {"format_version", "graph",           "class_names",   "preprocessing", "policy",
                                        "calibrations",   "saved_precision", "check_samples", "provenance"};
  if (version >= 3) keys.emplace_back("cost_weights");
  if (version >= 2) keys.emplace_back("quantisation");
  if (version >= kVersionOfNumbers) keys.emplace_back("quantity");
  value.require_keys(keys);
  Manifest manifest;
  manifest.graph = graph_from_json(value["graph"]);
  for (const JsonValue& name : value["class_names"].items(kMaxList)) manifest.class_names.push_back(name.text());
  if (version >= kVersionOfNumbers) manifest.quantity = quantity_from_json(value["quantity"]);
  const JsonValue preprocessing = value["preprocessing"];
  preprocessing.require_keys({"image_shape", "mean", "std", "channel_order"});
  manifest.preprocessing.image_shape = preprocessing["image_shape"].integers(3, 1, 1 << 16);
  manifest.preprocessing.mean = preprocessing["mean"].numbers(kMaxList, -kInfinity, kInfinity);
  manifest.preprocessing.std = preprocessing["std"].numbers(kMaxList, 0, kInfinity);
  manifest.preprocessing.channel_order = preprocessing["channel_order"].text();
  manifest.policy = policy_from_json(value["policy"], version);
  for (const JsonValue& record : value["calibrations"].items(kMaxCalibrations)) {
    manifest.calibrations.push_back(record_from_json(record, version, manifest.quantity.has_value()));
  }
  if (version >= 3) manifest.cost_weights = cost_weights_from_json(value["cost_weights"]);
  if (version >= 2 && !(version >= 3 && value["quantisation"].is_null())) {
    manifest.quantisation = quantisation_from_json(value["quantisation"]);
  }
  manifest.saved_precision = value["saved_precision"].text();
  manifest.check_samples = value["check_samples"].integer(0, kMaxCheckSamples);
  manifest.provenance = provenance_from_json(value["provenance"]);
  return manifest;
}

void check_policy(const PolicySpec& policy, const PolicyContext& context, std::string_view field) {
  try {
    make_policy(policy, context);
  } catch (const Error& error) {
    fail(Code::kInvalidArgument, "[manifest] {}: {}", field, error.what());
  }
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

void check_guarantee(const RiskGuarantee& guarantee) {
  check_fractions({guarantee.level, guarantee.delta, guarantee.risk}, 3, "calibration.guarantee");
  if (guarantee.samples < 1 || !is_plain_name(guarantee.loss) || !is_plain_name(guarantee.bound)) {
    fail(Code::kInvalidArgument, "[manifest] calibration.guarantee of {} samples, loss '{}', bound '{}' is not one",
         guarantee.samples, printable(guarantee.loss), printable(guarantee.bound));
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

void check_asked(const Manifest& manifest) {
  const Graph& graph = manifest.graph;
  const bool number = graph.classes == 1;
  if (number != manifest.quantity.has_value()) {
    fail(Code::kInvalidArgument, "[manifest] {} outputs and {} quantity, expected one where a number is asked for",
         graph.classes, number ? "no" : "a");
  }
  if (number && (!is_plain_name(manifest.quantity->name) || !is_plain_name(manifest.quantity->unit))) {
    fail(Code::kInvalidArgument, "[manifest] the quantity '{}' in '{}' is not one", printable(manifest.quantity->name),
         printable(manifest.quantity->unit));
  }
  const auto names = static_cast<size_t>(number ? 0 : graph.classes);
  if (manifest.class_names.size() != names) {
    fail(Code::kInvalidArgument, "[manifest] {} class names, expected {}", manifest.class_names.size(), names);
  }
}

void check_record(const CalibrationRecord& record, const PolicyContext& context) {
  const auto exits = static_cast<size_t>(context.exits);
  check_policy(record.policy, context, "calibration.policy");
  const bool number = context.classes == 1;
  check_qualities({record.quality}, 1, number, "calibration.accuracy");
  check_qualities({record.last_exit_quality}, 1, number, "calibration.last_exit_accuracy");
  check_fractions(record.exit_shares, exits, "calibration.exit_shares");
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
  if (record.guarantee) check_guarantee(*record.guarantee);
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

void check_preprocessing(const Preprocessing& preprocessing, const Graph& graph) {
  if (preprocessing.image_shape != graph.input_shape) {
    fail(Code::kInvalidArgument, "[manifest] preprocessing gives {}, but the network takes {}",
         to_string(preprocessing.image_shape), to_string(graph.input_shape));
  }
  const auto channels = static_cast<size_t>(graph.input_shape[0]);
  if (preprocessing.mean.size() != channels || preprocessing.std.size() != channels) {
    fail(Code::kInvalidArgument, "[manifest] preprocessing has {} means and {} stds, expected {} of each",
         preprocessing.mean.size(), preprocessing.std.size(), channels);
  }
  for (size_t c = 0; c < channels; ++c) {
    if (!std::isfinite(preprocessing.mean[c]) || !std::isfinite(preprocessing.std[c]) || !(preprocessing.std[c] > 0)) {
      fail(Code::kInvalidArgument, "[manifest] preprocessing: mean {} or std {} of channel {} is not usable",
           preprocessing.mean[c], preprocessing.std[c], c);
    }
  }
  if (preprocessing.channel_order != "RGB" && !(preprocessing.channel_order == "L" && channels == 1)) {
    fail(Code::kInvalidArgument, "[manifest] channel order '{}' does not fit {} channels; expected RGB, or L for one",
         printable(preprocessing.channel_order), channels);
  }
}

}  // namespace

namespace {

// What versions before 4 lack: operations, heads that read earlier answers, a last exit that ends in an average.
bool has_later_nodes(const Graph& graph) {
  constexpr std::array kFirst = {OpKind::kInput,         OpKind::kConv2d,  OpKind::kLinear,  OpKind::kBatchNorm,
                                 OpKind::kRelu,          OpKind::kMaxPool, OpKind::kAvgPool, OpKind::kMixedPool,
                                 OpKind::kGlobalAvgPool, OpKind::kAdd,     OpKind::kFlatten};
  const auto is_later = [&](const Node& node) {
    const auto* pool = std::get_if<PoolAttributes>(&node.attributes);
    return std::ranges::find(kFirst, node.op) == kFirst.end() ||
           (pool != nullptr && (pool->end_pad_h || pool->end_pad_w));
  };
  return std::ranges::any_of(graph.nodes, is_later) ||
         std::ranges::any_of(answers_read_later(graph), std::identity{}) ||
         graph.node(graph.stages.back().exit.logits).op != OpKind::kLinear;
}

}  // namespace

int format_version(const Manifest& manifest) {
  int version =
      std::max({manifest.quantisation ? 2 : 1, manifest.cost_weights ? 3 : 1, manifest.quantity ? kVersionOfNumbers : 1,
                has_later_nodes(manifest.graph) ? kVersionOfLaterNodes : 1, policy_version(manifest.policy)});
  for (const CalibrationRecord& record : manifest.calibrations) {
    version =
        std::max({version, policy_version(record.policy), record.guarantee || !record.exit_savings.empty() ? 3 : 1});
  }
  return version;
}

std::string manifest_to_json(const Manifest& manifest) {
  const int version = format_version(manifest);
  Json json;
  json["format_version"] = version;
  json["graph"] = graph_to_json(manifest.graph);
  json["class_names"] = manifest.class_names;
  if (version >= kVersionOfNumbers) json["quantity"] = quantity_to_json(manifest.quantity);
  json["preprocessing"]["image_shape"] = manifest.preprocessing.image_shape;
  json["preprocessing"]["mean"] = numbers_to_json(manifest.preprocessing.mean, "preprocessing.mean");
  json["preprocessing"]["std"] = numbers_to_json(manifest.preprocessing.std, "preprocessing.std");
  json["preprocessing"]["channel_order"] = manifest.preprocessing.channel_order;
  json["policy"] = policy_to_json(manifest.policy, version);
  json["calibrations"] = Json::array();
  for (const CalibrationRecord& record : manifest.calibrations) {
    json["calibrations"].push_back(record_to_json(record, version, manifest.quantity.has_value()));
  }
  if (version >= 3) json["cost_weights"] = cost_weights_to_json(manifest.cost_weights);
  if (manifest.quantisation) {
    json["quantisation"] = quantisation_to_json(*manifest.quantisation);
  } else if (version >= 3) {
    json["quantisation"] = nullptr;
  }
  json["saved_precision"] = manifest.saved_precision;
  json["check_samples"] = manifest.check_samples;
  json["provenance"] = provenance_to_json(manifest.provenance);
  std::string text;
  try {
    text = json.dump();
  } catch (const Json::exception&) {
    fail(Code::kInvalidArgument, "[manifest] a name or text of '{}' is not UTF-8", printable(manifest.graph.name));
  }
  if (text.size() > kMaxJsonBytes) {
    fail(Code::kInvalidArgument, "[manifest] '{}' needs {} bytes of manifest, expected at most {}",
         printable(manifest.graph.name), text.size(), kMaxJsonBytes);
  }
  return text;
}

Manifest manifest_from_json(std::string_view text, std::string_view place, size_t first_byte) {
  const JsonDocument document = parse_json(text, place, first_byte);
  try {
    Manifest manifest = read_manifest(JsonValue(document.root, ""));
    const PolicyContext context{.exits = static_cast<int32_t>(manifest.graph.exits()),
                                .classes = static_cast<int32_t>(manifest.graph.classes)};
    manifest.policy = within_reach(std::move(manifest.policy), context);
    for (CalibrationRecord& record : manifest.calibrations) {
      record.policy = within_reach(std::move(record.policy), context);
    }
    check_manifest(manifest);
    return manifest;
  } catch (const Error& error) {
    fail(Code::kDataLoss, "[{}] byte {} (manifest): {}", place, first_byte, error.what());
  }
}

void check_manifest(const Manifest& manifest) {
  const Graph& graph = manifest.graph;
  check_graph(graph);
  check_asked(manifest);
  check_preprocessing(manifest.preprocessing, graph);
  const PolicyContext context = policy_context(manifest);
  if (manifest.cost_weights && !context.has_gates) {
    fail(Code::kInvalidArgument, "[manifest] cost weights, but not every early exit has a gate");
  }
  check_policy(manifest.policy, context, "policy");
  if (manifest.calibrations.size() > kMaxCalibrations) {
    fail(Code::kInvalidArgument, "[manifest] {} calibration records, expected at most {}", manifest.calibrations.size(),
         kMaxCalibrations);
  }
  for (const CalibrationRecord& record : manifest.calibrations) check_record(record, context);
  if (manifest.quantisation) check_quantisation(*manifest.quantisation, graph);
  if (manifest.saved_precision != "fp32") {
    fail(Code::kInvalidArgument, "[manifest] weights saved as '{}', expected fp32",
         printable(manifest.saved_precision));
  }
  if (manifest.check_samples < 0 || manifest.check_samples > kMaxCheckSamples) {
    fail(Code::kInvalidArgument, "[manifest] {} check samples, expected 0 to {}", manifest.check_samples,
         kMaxCheckSamples);
  }
}

PolicyContext policy_context(const Manifest& manifest) {
  const std::vector<Stage>& stages = manifest.graph.stages;
  const bool gates =
      std::all_of(stages.begin(), stages.end() - 1, [](const Stage& stage) { return stage.exit.gate.has_value(); });
  return {.exits = static_cast<int32_t>(stages.size()),
          .classes = static_cast<int32_t>(manifest.graph.classes),
          .has_gates = gates && stages.size() > 1,
          .cost_weights = manifest.cost_weights};
}

}  // namespace sooner
