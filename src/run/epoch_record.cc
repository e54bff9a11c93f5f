#include "run/epoch_record.h"

#include <fmt/ranges.h>

#include <sstream>

#include "core/file.h"
#include "core/text.h"
#include "run/json_number.h"

namespace sooner {
namespace {

using Json = nlohmann::ordered_json;

Json exits_json(const ExitMetrics& metrics, const std::optional<Quantity>& quantity) {
  const std::string word(quality_word(quantity));
  Json exits = Json::array();
  for (size_t k = 0; k < metrics.loss.size(); ++k) {
    const bool gated = metrics.has_rule();
    exits.push_back(
        {{"loss", json_number(metrics.loss[k])},
         {word, json_number(quality_number(quantity, metrics.quality[k]))},
         {"mean_gate", gated && k < metrics.mean_gate.size() ? json_number(metrics.mean_gate[k]) : Json(nullptr)},
         {"share", gated ? json_number(metrics.share[k]) : Json(nullptr)}});
  }
  return exits;
}

std::string percents(const std::vector<double>& shares, const char* separator) {
  std::vector<std::string> parts;
  for (const double share : shares) parts.push_back(fmt::format("{:.2f}", 100 * share));
  return fmt::format("{}", fmt::join(parts, separator));
}

// "83.21 / 85.02 %", "5.123 / 4.218 degrees".
std::string qualities_text(const ExitMetrics& metrics, const std::optional<Quantity>& quantity) {
  if (!quantity) return percents(metrics.quality, " / ") + " %";
  std::vector<std::string> parts;
  for (const double quality : metrics.quality)
    parts.push_back(fmt::format("{:.3f}", quality_number(quantity, quality)));
  return fmt::format("error {} {}", fmt::join(parts, " / "), quantity->unit);
}

// What an answer is worth, from the word of the task that the line was written for.
double quality_in(const Json& exit) {
  return exit.is_object() && exit.contains("error") ? -number_in(exit, "error") : number_in(exit, "accuracy");
}

ExitMetrics exits_of(const Json& split) {
  ExitMetrics metrics{{}, {}, {}, {}, number_in(split, "rule_accuracy"), number_in(split, "cost")};
  const Json exits = split.value("exits", Json::array());
  for (const Json& exit : exits) {
    metrics.loss.push_back(number_in(exit, "loss"));
    metrics.quality.push_back(quality_in(exit));
  }
  // Shares stand at every exit, or nothing was decided by gates; the last exit has none.
  for (const Json& exit : exits) {
    if (const double share = number_in(exit, "share"); !std::isnan(share)) metrics.share.push_back(share);
    if (const double gate = number_in(exit, "mean_gate"); !std::isnan(gate)) metrics.mean_gate.push_back(gate);
  }
  if (metrics.share.size() != exits.size()) metrics.share.clear();
  if (metrics.mean_gate.size() + 1 != exits.size()) metrics.mean_gate.clear();
  return metrics;
}

EpochRecord record_of(const Json& json) {
  EpochRecord record;
  record.epoch = json.at("epoch").get<int64_t>();
  record.step = json.value("step", int64_t{0});
  record.phase = json.value("phase", "");
  record.learning_rate = number_in(json, "learning_rate");
  record.cost_weight = number_in(json, "cost_weight");
  record.seconds = number_in(json, "seconds");
  record.images_per_second = number_in(json, "images_per_second");
  record.waiting_share = number_in(json, "waiting_share");
  record.best = json.value("best", false);
  const Json train = json.value("train", Json::object());
  record.train = {number_in(train, "loss"), number_in(train, "mixture"), number_in(train, "soft_cost"),
                  exits_of(train)};
  record.validation = exits_of(json.value("validation", Json::object()));
  record.warnings = json.value("warnings", std::vector<std::string>());
  const Json norms = json.value("gradient_norms", Json::object());
  for (const auto& [name, norm] : norms.items())
    record.gradient_norms.emplace_back(name, number_in(norms, name.c_str()));
  return record;
}

}  // namespace

std::string metrics_json(const EpochRecord& record) {
  const TrainingMetrics& t = record.train;
  Json norms = Json::object();
  for (const auto& [name, norm] : record.gradient_norms) norms[name] = json_number(norm);
  const Json json{{"epoch", record.epoch},
                  {"step", record.step},
                  {"phase", record.phase},
                  {"learning_rate", json_number(record.learning_rate)},
                  {"cost_weight", json_number(record.cost_weight)},
                  {"seconds", json_number(record.seconds)},
                  {"images_per_second", json_number(record.images_per_second)},
                  {"waiting_share", json_number(record.waiting_share)},
                  {"best", record.best},
                  {"warnings", record.warnings},
                  {"gradient_norms", norms},
                  {"train",
                   {{"loss", json_number(t.loss)},
                    {"mixture", json_number(t.mixture)},
                    {"soft_cost", json_number(t.soft_cost)},
                    {"exits", exits_json(t.exits, record.quantity)},
                    {"rule_accuracy", json_number(t.exits.rule_quality)},
                    {"cost", json_number(t.exits.cost)}}},
                  {"validation",
                   {{"exits", exits_json(record.validation, record.quantity)},
                    {"rule_accuracy", json_number(record.validation.rule_quality)},
                    {"cost", json_number(record.validation.cost)}}}};
  return json.dump();
}

std::optional<EpochRecord> epoch_from_json(std::string_view line) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object() || !json.contains("epoch") || !json["epoch"].is_number_integer()) return std::nullopt;
  try {
    return record_of(json);
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

std::vector<EpochRecord> read_epochs(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return {};
  std::vector<EpochRecord> records;
  std::istringstream lines(read_text(path));
  for (std::string line; std::getline(lines, line);) {
    std::optional<EpochRecord> record = epoch_from_json(line);
    if (!record) break;
    records.push_back(std::move(*record));
  }
  return records;
}

double training_seconds(std::span<const EpochRecord> epochs) {
  double seconds = epochs.empty() ? std::nan("") : 0;
  for (const EpochRecord& epoch : epochs) seconds += epoch.seconds;
  return seconds;
}

std::string summary(const EpochRecord& record, int64_t epochs) {
  const ExitMetrics& v = record.validation;
  std::string text = fmt::format("epoch {:>3}/{} {}: loss {:.4f}, validation {}", record.epoch, epochs, record.phase,
                                 record.train.loss, qualities_text(v, record.quantity));
  if (v.has_rule()) {
    text += fmt::format(", gates {:.2f} % at cost {:.3f} (leave {} %)", 100 * v.rule_quality, v.cost,
                        percents(v.share, " / "));
  }
  return text + fmt::format(", {:.0f} images/s, {}{}", record.images_per_second, human_seconds(record.seconds),
                            record.best ? " *" : "");
}

}  // namespace sooner
