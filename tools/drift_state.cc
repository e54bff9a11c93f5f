#include "drift_state.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"

namespace sooner {
namespace {

constexpr int kVersion = 1;

nlohmann::ordered_json json_of(const RankBetsState& bets) {
  nlohmann::ordered_json bettors = nlohmann::ordered_json::array();
  for (const RankBettor& bettor : bets.bettors) {
    bettors.push_back({{"start", bettor.start}, {"ranks", bettor.ranks}, {"log_wealth", bettor.log_wealth}});
  }
  return {{"seen", bets.seen}, {"bettors", std::move(bettors)}, {"log_peak", bets.log_peak}};
}

RankBetsState bets_of(const nlohmann::json& json) {
  RankBetsState bets{.seen = json.at("seen").get<std::vector<int64_t>>(),
                     .log_peak = json.at("log_peak").get<double>()};
  for (const nlohmann::json& each : json.at("bettors")) {
    RankBettor bettor{.start = each.at("start").get<int64_t>()};
    const auto fill = [](const nlohmann::json& from, auto& to) {
      if (from.size() != to.size()) throw std::out_of_range("another number of bins or bets");
      from.get_to(to);
    };
    fill(each.at("ranks"), bettor.ranks);
    fill(each.at("log_wealth"), bettor.log_wealth);
    bets.bettors.push_back(bettor);
  }
  return bets;
}

DriftStateFile file_of(const nlohmann::json& json) {
  if (json.at("sooner_drift").get<int>() != kVersion) throw std::out_of_range("another version");
  DriftStateFile file;
  file.watch.record = json.at("calibration").get<std::string>();
  file.watch.false_alarm = json.at("false_alarm").get<double>();
  file.watch.answers = json.at("answers").get<int64_t>();
  file.watch.log_evidence = json.at("log_evidence").get<double>();
  if (!json.at("alarm_at").is_null()) file.watch.alarm_at = json.at("alarm_at").get<int64_t>();
  for (const nlohmann::json& bets : json.at("comparisons")) file.watch.comparisons.push_back(bets_of(bets));
  file.log_bytes = json.at("log_bytes").get<size_t>();
  file.log_hash = json.at("log_hash").get<std::string>();
  return file;
}

}  // namespace

std::optional<DriftStateFile> read_drift_state(const std::string& path) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  try {
    return file_of(nlohmann::json::parse(read_text(path)));
  } catch (const std::exception& error) {
    if (const auto* own = dynamic_cast<const Error*>(&error)) throw *own;
    fail(Code::kDataLoss, "[drift] '{}' is no state of `sooner drift` ({}); name another file to begin anew", path,
         error.what());
  }
}

void write_drift_state(const std::string& path, const DriftStateFile& state) {
  nlohmann::ordered_json json{{"sooner_drift", kVersion},
                              {"calibration", state.watch.record},
                              {"false_alarm", state.watch.false_alarm},
                              {"answers", state.watch.answers},
                              {"log_evidence", state.watch.log_evidence},
                              {"alarm_at", nullptr},
                              {"log_bytes", state.log_bytes},
                              {"log_hash", state.log_hash}};
  if (state.watch.alarm_at) json["alarm_at"] = *state.watch.alarm_at;
  json["comparisons"] = nlohmann::ordered_json::array();
  for (const RankBetsState& bets : state.watch.comparisons) json["comparisons"].push_back(json_of(bets));
  write_file_atomically(path, json.dump() + "\n");
}

std::string_view unread(std::string_view log, const std::optional<DriftStateFile>& state) {
  if (!state || log.size() < state->log_bytes) return log;
  if (hash_hex(hash_bytes(log.substr(0, state->log_bytes))) != state->log_hash) return log;
  return log.substr(state->log_bytes);
}

}  // namespace sooner
