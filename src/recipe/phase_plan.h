// The phases of a run: what learns in each, where each begins, in epochs and steps, and which stretch its learning
// rate's schedule covers.
//
// Axis letters: K exits.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sooner {

// A stretch of epochs trained in one way.
struct Phase {
  std::string name;  // "joint"
  int64_t epochs = 0;
  // [K], which trunks of stages, and which heads with their gates, learn; empty: all. The others keep their weights,
  // and their normalisation its statistics. A step computes the exits whose heads learn and leaves the others out.
  std::vector<bool> trunks = {}, heads = {};
  // No gradient flows from a stage into the one before.
  bool detached = false;
  // As in train/graph_module.h.
  double private_share = 0;
  // The learning rate's schedule begins anew and ends with this phase; else phases share one.
  bool own_schedule = false;
  // Gates decide already: what their rule gives is measured.
  bool gated = false;
  // Its epochs may be the best one. True for the last phase at least.
  bool selects = true;

  [[nodiscard]] bool computes(size_t exit_index) const { return heads.empty() || heads[exit_index]; }
};

// Where a step stands.
struct Moment {
  size_t phase = 0;     // index
  int64_t epoch = 0;    // within the phase, from 0
  double progress = 0;  // share of the phase's steps done, [0, 1)
  int64_t step = 0;     // of the whole run, from 0
};

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
