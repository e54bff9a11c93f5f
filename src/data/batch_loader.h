// Feeds batches of preprocessed floats, drawn ahead by worker threads.
//
// Deterministic: the order depends on (seed, epoch), augmentation on (seed, epoch, sample): never on the number of
// threads or their timing. Batches arrive in order.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "data/augment.h"
#include "data/image_source.h"

namespace sooner {

struct LoaderOptions {
  int32_t batch_size = 128;
  int32_t threads = 1;     // workers, at least 1
  int32_t prefetch = 4;    // batches held ready, beside the one the caller holds; at least 1
  bool shuffle = false;    // per epoch
  bool drop_last = false;  // drop an incomplete last batch
  uint64_t seed = 1;
  AugmentOptions augment = {};    // none by default
  std::vector<double> mean = {};  // [C]; floats are (pixel / 255 - mean) / std
  std::vector<double> std = {};   // [C]
};

struct Batch {
  int64_t n = 0;
  std::vector<float> images;     // [n, C, H, W]
  std::vector<int32_t> labels;   // [n]
  std::vector<float> targets;    // [n]; NaN where the set asks for labels
  std::vector<int64_t> indices;  // [n], into the source
};

// One thread calls the members; the workers are its own. Destruction at any moment is quick: work under way is dropped.
class BatchLoader {
 public:
  // `indices` choose the samples (none at all: epochs of no batches). Throws kInvalidArgument for options out of range,
  // indices outside the source, or drop_last with fewer samples than one batch.
  BatchLoader(std::shared_ptr<const ImageSource> source, Shape image_shape, std::vector<int64_t> indices,
              const LoaderOptions& options);
  ~BatchLoader();
  BatchLoader(const BatchLoader&) = delete;
  BatchLoader& operator=(const BatchLoader&) = delete;

  [[nodiscard]] int64_t batches_per_epoch() const;
  // Starts epoch `epoch` at batch `first_batch` (to resume inside an epoch). Drops what was prefetched.
  void start_epoch(int64_t epoch, int64_t first_batch = 0);
  // The next batch, or null at the end of the epoch; valid until the next call. Blocks until it is ready; rethrows what
  // a worker threw (kDataLoss for a bad file), again at every call until start_epoch(). REQUIRES: start_epoch() was
  // called.
  const Batch* next();
  // Seconds next() has spent waiting since construction, the very first batch of each epoch apart: ~0 when the trainer
  // is never starved.
  [[nodiscard]] double seconds_waited() const;

 private:
  void stop_workers();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sooner
