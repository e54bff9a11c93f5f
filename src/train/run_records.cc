#include "train/run_records.h"

#include <fmt/ranges.h>

#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/cpu.h"
#include "core/error.h"
#include "core/file.h"
#include "core/text.h"

namespace sooner {
namespace {

using Json = nlohmann::ordered_json;

double wall_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// JSON has no NaN.
Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json exits_json(const ExitMetrics& metrics, const std::optional<Quantity>& quantity) {
  const std::string word(quality_word(quantity));
  Json exits = Json::array();
  for (size_t k = 0; k < metrics.loss.size(); ++k) {
    const bool gated = metrics.has_rule();
    exits.push_back(
        {{"loss", number(metrics.loss[k])},
         {word, number(quality_number(quantity, metrics.quality[k]))},
         {"mean_gate", gated && k < metrics.mean_gate.size() ? number(metrics.mean_gate[k]) : Json(nullptr)},
         {"share", gated ? number(metrics.share[k]) : Json(nullptr)}});
  }
  return exits;
}

void add_scalars(std::vector<std::pair<std::string, float>>& scalars, const std::string& split, const ExitMetrics& m,
                 const std::optional<Quantity>& quantity) {
  const auto add = [&](const std::string& name, double value) {
    if (std::isfinite(value)) scalars.emplace_back(split + "/" + name, static_cast<float>(value));
  };
  for (size_t k = 0; k < m.loss.size(); ++k) {
    add(fmt::format("exit{}/loss", k), m.loss[k]);
    add(fmt::format("exit{}/{}", k, quality_word(quantity)), quality_number(quantity, m.quality[k]));
    if (m.has_rule()) add(fmt::format("exit{}/share", k), m.share[k]);
    if (k < m.mean_gate.size()) add(fmt::format("exit{}/mean_gate", k), m.mean_gate[k]);
  }
  add("rule_accuracy", m.rule_quality);
  add("cost", m.cost);
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

}  // namespace

std::string metrics_json(const EpochRecord& record) {
  const TrainingMetrics& t = record.train;
  Json norms = Json::object();
  for (const auto& [name, norm] : record.gradient_norms) norms[name] = number(norm);
  const Json json{{"epoch", record.epoch},
                  {"step", record.step},
                  {"phase", record.phase},
                  {"learning_rate", number(record.learning_rate)},
                  {"cost_weight", number(record.cost_weight)},
                  {"seconds", number(record.seconds)},
                  {"images_per_second", number(record.images_per_second)},
                  {"waiting_share", number(record.waiting_share)},
                  {"best", record.best},
                  {"warnings", record.warnings},
                  {"gradient_norms", norms},
                  {"train",
                   {{"loss", number(t.loss)},
                    {"mixture", number(t.mixture)},
                    {"soft_cost", number(t.soft_cost)},
                    {"exits", exits_json(t.exits, record.quantity)},
                    {"rule_accuracy", number(t.exits.rule_quality)},
                    {"cost", number(t.exits.cost)}}},
                  {"validation",
                   {{"exits", exits_json(record.validation, record.quantity)},
                    {"rule_accuracy", number(record.validation.rule_quality)},
                    {"cost", number(record.validation.cost)}}}};
  return json.dump();
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

RunRecords::RunRecords(const RunFolder& folder, size_t epochs_done)
    : metrics_(folder.metrics()), events_(folder.tensorboard(), wall_time()) {
  keep_lines(metrics_, epochs_done);
}

void RunRecords::add(const EpochRecord& record) {
  append_line(metrics_, metrics_json(record));
  std::vector<std::pair<std::string, float>> scalars{
      {"learning_rate", static_cast<float>(record.learning_rate)},
      {"cost_weight", static_cast<float>(record.cost_weight)},
      {"images_per_second", static_cast<float>(record.images_per_second)},
      {"train/loss", static_cast<float>(record.train.loss)}};
  add_scalars(scalars, "train", record.train.exits, record.quantity);
  add_scalars(scalars, "validation", record.validation, record.quantity);
  events_.write(wall_time(), record.step, scalars);
}

void save_environment(const RunFolder& folder, const TrainConfig& config, const DataSet& data,
                      const std::vector<const Split*>& splits, const RunIdentity& identity, const std::string& device,
                      const std::vector<double>& exit_cost, const TrainResult* result) {
  Json json{{"sooner_version", SOONER_VERSION},
            {"libtorch_version", SOONER_TORCH_VERSION},
            {"config_hash", identity.config_hash},
            {"start_hash", identity.start_hash},
            {"processor", cpu_name()},
            {"instruction_sets", to_string(cpu_features())},
            {"processors", cpu_count()},
            {"device", device},
            {"compute_mode", identity.compute_mode},
            {"loader_threads", config.train.loader_threads},
            {"data_set", data.name},
            {"data_hash", data.hash},
            {"exit_cost", exit_cost}};
  for (const Split* split : splits) {
    json["splits"][split->name] = {{"samples", split->indices.size()}, {"hash", split->hash}};
  }
  json["finished"] = result != nullptr;
  if (result != nullptr) {
    json["images_per_second"] = number(result->images_per_second);
    json["waiting_share"] = number(result->waiting_share);
    json["best_score"] = number(result->best_score);
    json["steps"] = result->steps;
  }
  write_file_atomically(folder.environment(), json.dump(2) + "\n");
}

std::string recorded_start(const RunFolder& folder) {
  if (!std::filesystem::exists(folder.environment())) return "";
  try {
    return Json::parse(read_text(folder.environment())).value("start_hash", "");
  } catch (const nlohmann::json::exception&) {
    fail(Code::kDataLoss, "[run] '{}' is no JSON of a run; name another folder", folder.environment().string());
  }
}

}  // namespace sooner
