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
#include "format/record_json.h"
#include "graph/carry_set.h"
#include "policy/checked_spec.h"

namespace sooner {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr size_t kMaxCalibrations = 1024;
constexpr size_t kMaxList = size_t{1} << 20U;
constexpr int64_t kMaxCheckSamples = 4096;

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

constexpr int kVersionOfElsewhere = 6;

// What a file before version 6 lets one conclude: a network that was imported, or began from another file, may have
// seen anything.
bool began_elsewhere(const Provenance& provenance) {
  const std::string& config = provenance.config_toml;
  const bool from_file =
      config.find("\nstart = \"") != std::string::npos && config.find("\nstart = \"\"") == std::string::npos;
  const bool brought = provenance.regime == kImportedRegime || provenance.regime == kAttachedRegime;
  return (brought && provenance.data_hash.empty()) || from_file;
}

Json provenance_to_json(const Provenance& provenance, int version) {
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
  if (version >= kVersionOfElsewhere) json["trained_elsewhere"] = provenance.trained_elsewhere;
  return json;
}

Provenance provenance_from_json(const JsonValue& value, int64_t version) {
  std::vector<std::string_view> keys = {"sooner_version", "regime",    "config_hash", "config_toml", "seed",
                                        "data_set",       "data_hash", "epochs",      "trained_at"};
  if (version >= kVersionOfElsewhere) keys.emplace_back("trained_elsewhere");
  value.require_keys(keys);
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
  provenance.trained_elsewhere =
      version >= kVersionOfElsewhere ? value["trained_elsewhere"].boolean() : began_elsewhere(provenance);
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
  const auto classes = static_cast<int32_t>(manifest.graph.classes);
  manifest.policy = policy_from_json(value["policy"], version, classes);
  for (const JsonValue& record : value["calibrations"].items(kMaxCalibrations)) {
    manifest.calibrations.push_back(record_from_json(record, version, classes));
  }
  if (version >= 3) manifest.cost_weights = cost_weights_from_json(value["cost_weights"]);
  if (version >= 2 && !(version >= 3 && value["quantisation"].is_null())) {
    manifest.quantisation = quantisation_from_json(value["quantisation"]);
  }
  manifest.saved_precision = value["saved_precision"].text();
  manifest.check_samples = value["check_samples"].integer(0, kMaxCheckSamples);
  manifest.provenance = provenance_from_json(value["provenance"], version);
  return manifest;
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
  int version = std::max(
      {manifest.quantisation ? 2 : 1, manifest.cost_weights ? 3 : 1, manifest.quantity ? kVersionOfNumbers : 1,
       has_later_nodes(manifest.graph) ? kVersionOfLaterNodes : 1, policy_version(manifest.policy),
       manifest.provenance.trained_elsewhere != began_elsewhere(manifest.provenance) ? kVersionOfElsewhere : 1});
  for (const CalibrationRecord& record : manifest.calibrations) version = std::max(version, record_version(record));
  return version;
}

std::string manifest_to_json(const Manifest& manifest) {
  const int version = format_version(manifest);
  const auto classes = static_cast<int32_t>(manifest.graph.classes);
  Json json;
  json["format_version"] = version;
  json["graph"] = graph_to_json(manifest.graph);
  json["class_names"] = manifest.class_names;
  if (version >= kVersionOfNumbers) json["quantity"] = quantity_to_json(manifest.quantity);
  json["preprocessing"]["image_shape"] = manifest.preprocessing.image_shape;
  json["preprocessing"]["mean"] = numbers_to_json(manifest.preprocessing.mean, "preprocessing.mean");
  json["preprocessing"]["std"] = numbers_to_json(manifest.preprocessing.std, "preprocessing.std");
  json["preprocessing"]["channel_order"] = manifest.preprocessing.channel_order;
  json["policy"] = policy_to_json(manifest.policy, version, classes);
  json["calibrations"] = Json::array();
  for (const CalibrationRecord& record : manifest.calibrations) {
    json["calibrations"].push_back(record_to_json(record, version, classes));
  }
  if (version >= 3) json["cost_weights"] = cost_weights_to_json(manifest.cost_weights);
  if (manifest.quantisation) {
    json["quantisation"] = quantisation_to_json(*manifest.quantisation);
  } else if (version >= 3) {
    json["quantisation"] = nullptr;
  }
  json["saved_precision"] = manifest.saved_precision;
  json["check_samples"] = manifest.check_samples;
  json["provenance"] = provenance_to_json(manifest.provenance, version);
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
