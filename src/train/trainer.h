// Trains a network from a configuration and leaves a run folder behind.
//
// One loop for every regime. Blocks until done, stopped, or failed; prints nothing: what there is to say goes to a
// listener. The same configuration, threads and LibTorch give the same weights, interrupted and resumed or not (on a
// CPU; some CUDA kernels add in no fixed order).
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/quantity.h"
#include "recipe/train_config.h"
#include "run/run_folder.h"
#include "run/train_result.h"

namespace sooner {

// Where a run stands.
struct StepReport {
  int64_t epoch = 0;  // from 1
  int64_t epochs = 0;
  int64_t step = 0;  // done, of the whole run
  int64_t total_steps = 0;
  double images_per_second = 0;
  double seconds_left = 0;
  std::vector<double> exit_loss;          // [K], mean over this epoch so far; NaN for exits this phase leaves out
  std::vector<double> exit_quality;       // [K]
  std::optional<Quantity> quantity = {};  // that a regression is asked for
};

// Called from the training thread.
class TrainingListener {
 public:
  virtual ~TrainingListener() = default;
  virtual void on_line(std::string_view line) = 0;  // also stands in log.txt
  virtual void on_step(const StepReport& report) = 0;
};

struct TrainOptions {
  bool resume = false;                      // continue from checkpoints/last where there is one
  const std::atomic<bool>* stop = nullptr;  // set: finish the step, save, return
  TrainingListener* listener = nullptr;     // may be null
  double seconds_between_reports = 0.2;     // of on_step; 0: every step
  const Clock* clock = &steady_clock();     // by which epochs are timed and reports are spaced
};

// Throws what `train` would throw before its first step, for settings that cannot be.
void check_training(const TrainConfig& config);

// Throws Error: bad data, impossible settings, a loss that is not finite (kFailedPrecondition, naming the exit; the
// last good checkpoint stays), a disk that is full.
TrainResult train(const TrainConfig& config, const RunFolder& folder, const TrainOptions& options);

}  // namespace sooner
