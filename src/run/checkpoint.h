// A training run stopped between two steps, in one safetensors file: weights, momentum, and where the run stood.
//
// Tensors "model.<parameter>", "momentum.<parameter>" and, where weights are averaged, "average.<parameter>"; the rest
// is JSON in the metadata. There is no random state to save: order, augmentation and initial weights are pure functions
// of (seed, epoch, sample), so the position says all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace sooner {

struct TrainingPosition {
  int64_t epoch = 0;               // the next step's epoch, from 0
  int64_t batch = 0;               // the next step's batch within it; 0 <= batch < batches per epoch
  int64_t step = 0;                // steps done
  std::vector<double> regime;      // what the regime has adapted so far
  double best_score = -1e300;      // of the best epoch so far
  int64_t best_epoch = -1;         // -1: none yet
  std::vector<double> meter_sums;  // of the epoch begun
  double epoch_seconds = 0;        // spent on the epoch begun
};

// What must be the same for a resumed run to give the same bits.
struct RunIdentity {
  std::string config_hash;
  std::string data_hash;
  std::string compute_mode;  // "cpu, 2 threads, bf16, channels-last"
  std::string start_hash{};  // of the model that training starts from (model_hash); empty without one
};

struct Checkpoint {
  TrainingPosition position;
  RunIdentity identity;
  TensorMap model;
  TensorMap momentum;
  TensorMap average = {};
};

// Atomic (core/file.h): a kill at any moment leaves the old file or the new one.
void save_checkpoint(const Checkpoint& checkpoint, const std::filesystem::path& path);
// Throws kNotFound, kPermissionDenied, kDataLoss.
Checkpoint load_checkpoint(const std::filesystem::path& path);

}  // namespace sooner
