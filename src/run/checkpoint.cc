#include "run/checkpoint.h"

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/file.h"
#include "format/safetensors.h"

namespace sooner {
namespace {

constexpr const char* kStateKey = "sooner.training_state";
constexpr int kVersion = 2;
constexpr std::string_view kModel = "model.";
constexpr std::string_view kMomentum = "momentum.";
constexpr std::string_view kAverage = "average.";

std::string state_json(const Checkpoint& checkpoint) {
  const TrainingPosition& p = checkpoint.position;
  const RunIdentity& id = checkpoint.identity;
  return nlohmann::ordered_json{{"version", kVersion},
                                {"epoch", p.epoch},
                                {"batch", p.batch},
                                {"step", p.step},
                                {"regime", p.regime},
                                {"best_score", p.best_score},
                                {"best_epoch", p.best_epoch},
                                {"meter_sums", p.meter_sums},
                                {"epoch_seconds", p.epoch_seconds},
                                {"config_hash", id.config_hash},
                                {"data_hash", id.data_hash},
                                {"compute_mode", id.compute_mode},
                                {"start_hash", id.start_hash}}
      .dump();
}

void read_state(const std::string& text, Checkpoint& checkpoint) {
  const nlohmann::json json = nlohmann::json::parse(text);
  if (json.at("version") != kVersion) {
    fail(Code::kDataLoss, "written by another version of sooner ({}, this one reads {})", json.at("version").dump(),
         kVersion);
  }
  TrainingPosition& p = checkpoint.position;
  json.at("epoch").get_to(p.epoch);
  json.at("batch").get_to(p.batch);
  json.at("step").get_to(p.step);
  json.at("regime").get_to(p.regime);
  json.at("best_score").get_to(p.best_score);
  json.at("best_epoch").get_to(p.best_epoch);
  json.at("meter_sums").get_to(p.meter_sums);
  p.epoch_seconds = json.value("epoch_seconds", 0.0);
  json.at("config_hash").get_to(checkpoint.identity.config_hash);
  json.at("data_hash").get_to(checkpoint.identity.data_hash);
  json.at("compute_mode").get_to(checkpoint.identity.compute_mode);
  checkpoint.identity.start_hash = json.value("start_hash", "");
  if (p.epoch < 0 || p.batch < 0 || p.step < 0) fail(Code::kDataLoss, "a negative position");
}

}  // namespace

void save_checkpoint(const Checkpoint& checkpoint, const std::filesystem::path& path) {
  Safetensors file;
  for (const auto& [name, tensor] : checkpoint.model) file.tensors.emplace(std::string(kModel) + name, tensor);
  for (const auto& [name, tensor] : checkpoint.momentum) file.tensors.emplace(std::string(kMomentum) + name, tensor);
  for (const auto& [name, tensor] : checkpoint.average) file.tensors.emplace(std::string(kAverage) + name, tensor);
  file.metadata = {{"format", "pt"}, {kStateKey, state_json(checkpoint)}};
  const std::vector<std::byte> bytes = serialize_safetensors(file);
  write_file_atomically(path, [&](FileSink& sink) { sink.write(std::span<const std::byte>(bytes)); });
}

Checkpoint load_checkpoint(const std::filesystem::path& path) {
  Safetensors file = parse_safetensors(read_file(path), path.string());
  const auto state = file.metadata.find(kStateKey);
  if (state == file.metadata.end()) {
    fail(Code::kDataLoss, "[checkpoint] '{}' is not a checkpoint: it holds no '{}'", path.string(), kStateKey);
  }
  Checkpoint checkpoint;
  try {
    read_state(state->second, checkpoint);
  } catch (const std::exception& error) {
    fail(Code::kDataLoss, "[checkpoint] '{}' has a broken training state: {}", path.string(), error.what());
  }
  for (auto& [name, tensor] : file.tensors) {
    if (name.starts_with(kModel)) {
      checkpoint.model.emplace(name.substr(kModel.size()), std::move(tensor));
    } else if (name.starts_with(kMomentum)) {
      checkpoint.momentum.emplace(name.substr(kMomentum.size()), std::move(tensor));
    } else if (name.starts_with(kAverage)) {
      checkpoint.average.emplace(name.substr(kAverage.size()), std::move(tensor));
    }
  }
  return checkpoint;
}

}  // namespace sooner
