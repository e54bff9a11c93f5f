// Sums up, step by step and on the device, what ExitMetrics says about an epoch of training.
//
// Kept as numbers on the device so that a step need not wait for it; its sums go into checkpoints.
#pragma once

#include <vector>

#include "run/exit_metrics.h"
#include "train/losses.h"
#include "train/regime.h"

namespace sooner {

class ExitMeter {
 public:
  ExitMeter(size_t exits, const Targets& targets, const at::Device& device);

  void clear();
  void add(const Loss& loss, const ExitOutputs& outputs, const at::Tensor& labels);
  // Sums since clear(); the first is the number of steps. Waits for the device.
  [[nodiscard]] std::vector<double> sums() const;
  void restore(const std::vector<double>& sums);

 private:
  size_t exits_;
  Targets targets_;
  at::Tensor sums_;  // fp64, layout in exit_meter.cc
};

// The means that `sums` of steps of `phase` stand for. REQUIRES: at least one step.
TrainingMetrics training_metrics(const std::vector<double>& sums, const std::vector<double>& exit_cost,
                                 const Phase& phase);

}  // namespace sooner
