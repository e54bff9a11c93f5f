// Stochastic gradient descent with (Nesterov) momentum and L2, by PyTorch's formulas:
//   g += weight_decay * p;  b = momentum * b + g;  p -= rate * (nesterov ? g + momentum * b : b)
//
// Weights of convolutions and linear layers decay; biases, normalisation, alphas and gates do not.
#pragma once

#include <vector>

#include "core/tensor.h"
#include "train/graph_module.h"

namespace sooner {

struct SgdOptions {
  double momentum = 0.9;
  bool nesterov = true;
  double weight_decay = 5e-4;
  double gate_rate_factor = 1;   // on the learning rate of gate parameters
  double shift_rate_factor = 1;  // on that of normalisation's shifts
};

class Sgd {
 public:
  // Keeps references to `module`'s parameters: make it after GraphModule::place. Buffers start at zero.
  Sgd(GraphModule& module, const SgdOptions& options);

  void clear_gradients();
  // Parameters without gradient (gates before their time) are left alone, decay and momentum too.
  void step(double rate);

  // Momentum buffers under their parameters' names.
  [[nodiscard]] TensorMap export_buffers() const;
  // Throws kDataLoss naming a buffer that is missing or of another shape.
  void import_buffers(const TensorMap& tensors);

 private:
  enum class Group { kDecaying, kPlain, kShift, kGate };
  static Group group_of(ParameterKind kind);
  struct Slot {
    std::string name;
    at::Tensor parameter;
    at::Tensor buffer;
    Group group = Group::kPlain;
  };
  void update(const std::vector<Slot*>& slots, double rate, double decay);

  SgdOptions options_;
  std::vector<Slot> slots_;
};

}  // namespace sooner
