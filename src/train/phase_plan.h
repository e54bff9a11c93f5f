// Where each phase of a run begins, in epochs and steps, and which stretch its learning rate's schedule covers.
#pragma once

#include <cstdint>
#include <vector>

#include "train/regime.h"

namespace sooner {

class PhasePlan {
 public:
  PhasePlan() = default;
  // `batches`: steps of an epoch. REQUIRES: at least one phase, each of at least one epoch.
  PhasePlan(std::vector<Phase> phases, int64_t batches) : phases_(std::move(phases)), batches_(batches) {}

  [[nodiscard]] const Phase& phase(size_t index) const { return phases_[index]; }
  // The index of the phase that an epoch of the run (from 0) belongs to; the last one for epochs beyond.
  [[nodiscard]] size_t index_of(int64_t epoch) const;
  [[nodiscard]] int64_t first_epoch(size_t index) const;
  // `step`: done, of the run, in `epoch`.
  [[nodiscard]] Moment moment(int64_t epoch, int64_t step) const;

  struct Steps {
    int64_t first = 0, count = 0;  // of the run
  };
  // A phase's own, or what it and its neighbours without a schedule of their own share.
  [[nodiscard]] Steps scheduled(size_t index) const;

 private:
  std::vector<Phase> phases_;
  int64_t batches_ = 1;
};

}  // namespace sooner
