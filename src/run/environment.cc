#include "run/environment.h"

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/file.h"
#include "run/json_number.h"

namespace sooner {

using Json = nlohmann::ordered_json;

void write_environment(const Environment& environment, const std::filesystem::path& path) {
  Json json{{"sooner_version", environment.sooner_version},
            {"libtorch_version", environment.libtorch_version},
            {"config_hash", environment.identity.config_hash},
            {"start_hash", environment.identity.start_hash},
            {"processor", environment.processor},
            {"instruction_sets", environment.instruction_sets},
            {"processors", environment.processors},
            {"device", environment.device},
            {"compute_mode", environment.identity.compute_mode},
            {"loader_threads", environment.loader_threads},
            {"data_set", environment.data_set},
            {"data_hash", environment.identity.data_hash},
            {"exit_cost", environment.exit_cost}};
  for (const SplitRecord& split : environment.splits) {
    json["splits"][split.name] = {{"samples", split.samples}, {"hash", split.hash}};
  }
  json["finished"] = environment.result.has_value();
  if (environment.result) {
    json["images_per_second"] = json_number(environment.result->images_per_second);
    json["waiting_share"] = json_number(environment.result->waiting_share);
    json["best_score"] = json_number(environment.result->best_score);
    json["steps"] = environment.result->steps;
  }
  write_file_atomically(path, json.dump(2) + "\n");
}

Environment read_environment(const std::filesystem::path& path) {
  Environment environment;
  try {
    const Json json = Json::parse(read_text(path));
    environment.sooner_version = json.value("sooner_version", "");
    environment.libtorch_version = json.value("libtorch_version", "");
    environment.identity = {.config_hash = json.value("config_hash", ""),
                            .data_hash = json.value("data_hash", ""),
                            .compute_mode = json.value("compute_mode", ""),
                            .start_hash = json.value("start_hash", "")};
    environment.processor = json.value("processor", "");
    environment.instruction_sets = json.value("instruction_sets", "");
    environment.processors = json.value("processors", 0);
    environment.device = json.value("device", "");
    environment.loader_threads = json.value("loader_threads", 0);
    environment.data_set = json.value("data_set", "");
    environment.exit_cost = json.value("exit_cost", std::vector<double>());
    if (const auto splits = json.find("splits"); splits != json.end()) {
      for (const auto& [name, split] : splits->items()) {
        environment.splits.push_back({name, split.at("samples").get<int64_t>(), split.at("hash").get<std::string>()});
      }
    }
    if (json.value("finished", false)) {
      environment.result = TrainResult{.steps = json.value("steps", int64_t{0}),
                                       .images_per_second = number_in(json, "images_per_second"),
                                       .waiting_share = number_in(json, "waiting_share"),
                                       .best_score = number_in(json, "best_score")};
    }
  } catch (const nlohmann::json::exception&) {
    fail(Code::kDataLoss, "[run] '{}' is no JSON of a run; name another folder", path.string());
  }
  return environment;
}

}  // namespace sooner
