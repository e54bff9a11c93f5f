// What a run writes down for people and plots: metrics.jsonl, tb/, env.json, and the line an epoch is summed up in.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/image_source.h"
#include "data/split.h"
#include "train/checkpoint.h"
#include "train/event_file.h"
#include "train/exit_metrics.h"
#include "train/run_folder.h"
#include "train/train_config.h"
#include "train/trainer.h"

namespace sooner {

struct EpochRecord {
  int64_t epoch = 0;  // from 1
  int64_t step = 0;   // done, of the whole run
  std::string phase;
  double learning_rate = 0;
  double cost_weight = 0;
  double seconds = 0;  // spent on it: steps, validation, features kept for it; before an interruption, too
  double images_per_second = 0;
  double waiting_share = 0;
  bool best = false;  // so far
  TrainingMetrics train;
  ExitMetrics validation;
  std::vector<std::string> warnings;
  std::vector<std::pair<std::string, double>> gradient_norms;  // of its last step (gradient_norms.h)
  std::optional<Quantity> quantity = {};                       // that a regression is asked for
};

class RunRecords {
 public:
  // Drops what metrics.jsonl says beyond `epochs_done` (an epoch whose checkpoint was not written any more).
  RunRecords(const RunFolder& folder, size_t epochs_done);
  void add(const EpochRecord& record);

 private:
  std::filesystem::path metrics_;
  EventFile events_;
};

// One line of metrics.jsonl; its members are described in trainer.h.
std::string metrics_json(const EpochRecord& record);
// For a person.
std::string summary(const EpochRecord& record, int64_t epochs);

// Writes env.json; `result` is null while the run goes on.
void save_environment(const RunFolder& folder, const TrainConfig& config, const DataSet& data,
                      const std::vector<const Split*>& splits, const RunIdentity& identity, const std::string& device,
                      const std::vector<double>& exit_cost, const TrainResult* result);
// The start_hash of a run's env.json; "" where it has none. Throws kDataLoss for a file that is none of ours.
std::string recorded_start(const RunFolder& folder);

}  // namespace sooner
