// Little trainings and what they leave behind, for the trainer's tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "core/file.h"
#include "format/model_file.h"
#include "train/trainer.h"

namespace sooner {

// 157 little images for training, 7 steps an epoch, the first of three epochs joint.
inline TrainConfig small_config(const std::vector<std::string>& more = {}) {
  std::vector<std::string> sets{
      "name=small",           "data.name=glyphs",      "data.glyph_train=200",     "data.glyph_test=40",
      "split.validation=0.1", "split.calibration=0.1", "network.backbone=b-lenet", "network.exits=names:conv1",
      "network.head=branchy", "train.epochs=3",        "train.batch_size=20",      "train.learning_rate=0.02",
      "train.threads=1"};
  sets.insert(sets.end(), more.begin(), more.end());
  return parse_config("", "test", sets);
}

// Raises the stop flag after some step.
class StopAfter final : public TrainingListener {
 public:
  explicit StopAfter(int64_t step) : step_(step) {}
  void on_line(std::string_view line) override { lines += std::string(line) + '\n'; }
  void on_step(const StepReport& report) override {
    last = report;
    if (report.step == step_) stop.store(true);
  }
  std::atomic<bool> stop{false};
  std::string lines;
  StepReport last;

 private:
  int64_t step_;
};

inline TrainResult run(const TrainConfig& config, const RunFolder& folder, StopAfter& listener, bool resume = false) {
  if (!resume) write_file_atomically(folder.config(), to_toml(config));
  return train(config, folder,
               {.resume = resume, .stop = &listener.stop, .listener = &listener, .seconds_between_reports = 0});
}

inline std::vector<nlohmann::json> metrics_of(const RunFolder& folder) {
  std::vector<nlohmann::json> lines;
  std::istringstream text(read_text(folder.metrics()));
  for (std::string line; std::getline(text, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

// Without what depends on the clock.
inline std::vector<nlohmann::json> timeless(std::vector<nlohmann::json> lines) {
  for (nlohmann::json& line : lines) {
    for (const char* key : {"seconds", "images_per_second", "waiting_share"}) line.erase(key);
  }
  return lines;
}

inline void expect_same_weights(const RunFolder& a, const RunFolder& b) {
  const ModelFile left = load_model(a.model());
  const ModelFile right = load_model(b.model());
  ASSERT_EQ(left.tensors.size(), right.tensors.size());
  for (const auto& [name, tensor] : left.tensors) {
    EXPECT_TRUE(std::ranges::equal(tensor.raw(), right.tensors.at(name).raw())) << name;
  }
}

}  // namespace sooner
