#include "profile/profile_file.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/error.h"
#include "core/file.h"

namespace sooner {
namespace {

using Json = nlohmann::ordered_json;

// 1 held a single profile, whose members stood beside the model's.
constexpr int kVersion = 2;

Json step_to_json(const StepProfile& step) {
  return {{"name", step.name}, {"op", step.op},       {"head", step.head},          {"us", step.us},
          {"macs", step.macs}, {"bytes", step.bytes}, {"share_of_peak", step.share}};
}

Json profile_to_json(const Profile& profile) {
  Json json;
  json["cpu"] = profile.cpu;
  json["cpu_features"] = profile.cpu_features;
  json["backend"] = profile.key.backend;
  json["instruction_set"] = profile.key.instruction_set;
  json["precision"] = profile.key.precision;
  json["threads"] = profile.key.threads;
  json["batch"] = profile.key.batch;
  json["peak_macs_per_us"] = profile.peak_macs_per_us;
  json["stages"] = Json::array();
  for (const StageProfile& stage : profile.stages) {
    Json of_stage{{"trunk_us", stage.trunk_us}, {"head_us", stage.head_us}, {"carry_bytes", stage.carry_bytes}};
    of_stage["steps"] = Json::array();
    for (const StepProfile& step : stage.steps) of_stage["steps"].push_back(step_to_json(step));
    json["stages"].push_back(std::move(of_stage));
  }
  return json;
}

StepProfile step_from_json(const Json& json) {
  return {.name = json.at("name").get<std::string>(),
          .op = json.at("op").get<std::string>(),
          .head = json.at("head").get<bool>(),
          .us = json.at("us").get<double>(),
          .macs = json.at("macs").get<int64_t>(),
          .bytes = json.at("bytes").get<double>(),
          .share = json.at("share_of_peak").get<double>()};
}

Profile profile_from_json(const Json& json) {
  Profile profile;
  profile.key = {.batch = json.at("batch").get<int32_t>(),
                 .precision = json.at("precision").get<std::string>(),
                 .threads = json.at("threads").get<int32_t>(),
                 .backend = json.at("backend").get<std::string>(),
                 .instruction_set = json.at("instruction_set").get<std::string>()};
  profile.cpu = json.at("cpu").get<std::string>();
  profile.cpu_features = json.at("cpu_features").get<std::string>();
  profile.peak_macs_per_us = json.at("peak_macs_per_us").get<double>();
  for (const Json& stage : json.at("stages")) {
    StageProfile& read = profile.stages.emplace_back();
    stage.at("trunk_us").get_to(read.trunk_us);
    stage.at("head_us").get_to(read.head_us);
    stage.at("carry_bytes").get_to(read.carry_bytes);
    for (const Json& step : stage.at("steps")) read.steps.push_back(step_from_json(step));
  }
  return profile;
}

ProfileFile file_from_json(const Json& json, const std::string& place) {
  const Json& version = json.at("profile_version");
  if (version != 1 && version != kVersion) {
    fail(Code::kDataLoss, "[profile '{}'] has profile_version {}, this sooner reads 1 to {}; update sooner", place,
         version.dump(), kVersion);
  }
  ProfileFile file{.model_hash = json.at("model_hash").get<std::string>(),
                   .network = json.at("network").get<std::string>(),
                   .exit_fraction = json.at("exit_fraction").get<std::vector<double>>(),
                   .profiles = {}};
  if (version == 1) {
    file.profiles.push_back(profile_from_json(json));
    return file;
  }
  for (const Json& profile : json.at("profiles")) {
    Profile read = profile_from_json(profile);
    if (find_profile(file, read.key) != nullptr) {
      fail(Code::kDataLoss, "[profile '{}'] holds two profiles of batch {}, {}, {} threads, {}, expected one", place,
           read.key.batch, read.key.precision, read.key.threads, read.key.instruction_set);
    }
    file.profiles.push_back(std::move(read));
  }
  return file;
}

}  // namespace

ProfileFile profiles_of(const Model& model) {
  return {.model_hash = model.hash(),
          .network = model.graph().name,
          .exit_fraction = model.cost().exit_fraction,
          .profiles = {}};
}

void keep_profile(Profile profile, ProfileFile& file) {
  const auto same = std::ranges::find(file.profiles, profile.key, &Profile::key);
  if (same == file.profiles.end()) {
    file.profiles.push_back(std::move(profile));
  } else {
    *same = std::move(profile);
  }
}

const Profile* find_profile(const ProfileFile& file, const ProfileKey& key) {
  const auto found = std::ranges::find(file.profiles, key, &Profile::key);
  return found == file.profiles.end() ? nullptr : &*found;
}

std::string profiles_to_json(const ProfileFile& file) {
  Json json;
  json["profile_version"] = kVersion;
  json["model_hash"] = file.model_hash;
  json["network"] = file.network;
  json["exit_fraction"] = file.exit_fraction;
  json["profiles"] = Json::array();
  for (const Profile& profile : file.profiles) json["profiles"].push_back(profile_to_json(profile));
  return json.dump(2);
}

ProfileFile profiles_from_json(std::string_view text, const std::string& place) {
  try {
    return file_from_json(Json::parse(text), place);
  } catch (const nlohmann::json::exception& error) {
    std::string why = error.what();
    std::ranges::replace(why, '\n', ' ');
    fail(Code::kDataLoss, "[profile '{}'] is no profile file (docs/profile.md): {}", place, why);
  }
}

void write_profiles(const ProfileFile& file, const std::filesystem::path& path) {
  write_file_atomically(path, profiles_to_json(file) + "\n");
}

ProfileFile read_profiles(const std::filesystem::path& path) {
  return profiles_from_json(read_text(path), path.string());
}

}  // namespace sooner
