// What the steps of a training read: images, or, where a phase's first stages are frozen, the features those give.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "data/batch_loader.h"
#include "run/run_folder.h"
#include "train/compute_mode.h"
#include "train/feature_cache.h"
#include "train/graph_module.h"
#include "train/mixing.h"
#include "train/regime.h"
#include "train/training_setup.h"

namespace sooner {

class StepSource {
 public:
  // Reads images. All but `mode` must outlive it. Throws what the loader throws.
  StepSource(const TrainConfig& config, const TrainingSetup& setup, const RunFolder& folder, GraphModule& module,
             const ComputeMode& mode);

  // Goes over to a phase whose first epoch is the run's `first_epoch`, after the module was told who learns. What
  // frozen stages give is computed once and kept, where every epoch would compute the same or may do with a few draws.
  // Returns what there is to say about it, or nothing.
  std::string enter(const Phase& phase, int64_t first_epoch);

  [[nodiscard]] BatchLoader& loader() { return *loader_; }
  // Of a batch of the loader's; phase_epoch counts from 0. REQUIRES: no mixing where features are kept.
  ExitOutputs forward(const Batch& batch, int64_t phase_epoch, const std::optional<Mixing>& mixing = {});

  [[nodiscard]] bool keeps_features() const { return cache_ != nullptr; }
  // Steps a second with and without kept features, of steps that took so long. REQUIRES: keeps_features().
  [[nodiscard]] std::string gain(double seconds_a_step) const;

 private:
  [[nodiscard]] LoaderOptions loader_options() const;
  void make_loader();

  const TrainConfig& config_;
  const TrainingSetup& setup_;
  const RunFolder& folder_;
  GraphModule& module_;
  ComputeMode mode_;
  std::unique_ptr<FeatureCache> cache_;  // null: images
  // No cache, for want of room: computed features are rounded as kept ones are, so that a run resumed on a fuller or
  // emptier disk gives the same bits.
  bool rounded_ = false;
  std::unique_ptr<BatchLoader> loader_;
};

}  // namespace sooner
