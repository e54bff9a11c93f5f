// An exponential moving average of a network's weights over its steps (Polyak and Juditsky, 1992; the moving form is
// that of Tarvainen and Valpola, 2017): smoother than the last weights, and usually better at a high learning rate.
//
//   average += (1 - d_t) (weights - average),  d_t = min(decay, (1 + t) / (10 + t))
// so that the first steps, far from where the network ends, are soon forgotten.
#pragma once

#include <cstdint>
#include <vector>

#include "core/tensor.h"
#include "train/graph_module.h"

namespace sooner {

class WeightAverage {
 public:
  // Begins at the module's weights. Keeps references to them: make it after GraphModule::place.
  WeightAverage(GraphModule& module, double decay);

  // Begins again at the weights as they are.
  void restart();
  // After step t since it began, from 0. REQUIRES: not swapped in.
  void add(int64_t t);
  // Puts the average in the module's place and keeps what was there, or undoes that. The module's normalisation
  // statistics are those of the other weights until somebody measures them anew; swapping back brings back its own.
  void swap();
  [[nodiscard]] bool swapped() const { return swapped_; }

  // By parameter name. REQUIRES: not swapped in.
  [[nodiscard]] TensorMap export_tensors() const;
  // Throws kDataLoss naming what is missing or of another shape.
  void import_tensors(const TensorMap& tensors);

 private:
  struct Slot {
    std::string name;
    at::Tensor parameter;
    at::Tensor average;
    bool learns = false;  // else a statistic
  };
  double decay_;
  std::vector<Slot> slots_;
  bool swapped_ = false;
};

}  // namespace sooner
