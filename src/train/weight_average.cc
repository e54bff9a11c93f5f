#include "train/weight_average.h"

#include <algorithm>

#include "train/torch_tensors.h"

namespace sooner {

WeightAverage::WeightAverage(GraphModule& module, double decay) : decay_(decay) {
  for (const GraphModule::Parameter& parameter : module.parameters()) {
    slots_.push_back(
        {parameter.spec.name, parameter.value, parameter.value.detach().clone(), parameter.spec.trainable()});
  }
}

void WeightAverage::restart() {
  SOONER_ASSERT(!swapped_);
  const at::NoGradGuard no_grad;
  for (Slot& slot : slots_) slot.average.copy_(slot.parameter);
}

void WeightAverage::add(int64_t t) {
  SOONER_ASSERT(!swapped_);
  guard_torch("WeightAverage::add", [&] {
    const at::NoGradGuard no_grad;
    const auto steps = static_cast<double>(t);
    const double decay = std::min(decay_, (1 + steps) / (10 + steps));
    std::vector<at::Tensor> averages, parameters;
    for (Slot& slot : slots_) {
      if (!slot.learns) continue;
      averages.push_back(slot.average);
      parameters.push_back(slot.parameter.detach());
    }
    at::_foreach_lerp_(averages, parameters, 1 - decay);
  });
}

void WeightAverage::swap() {
  const at::NoGradGuard no_grad;
  for (Slot& slot : slots_) {
    const at::Tensor kept = slot.parameter.detach().clone();
    slot.parameter.copy_(slot.average);
    slot.average.copy_(kept);
  }
  swapped_ = !swapped_;
}

TensorMap WeightAverage::export_tensors() const {
  SOONER_ASSERT(!swapped_);
  TensorMap tensors;
  for (const Slot& slot : slots_) tensors.emplace(slot.name, from_torch(slot.average));
  return tensors;
}

void WeightAverage::import_tensors(const TensorMap& tensors) {
  for (Slot& slot : slots_) restore(slot.average, tensors, slot.name, "average", "average of");
}

}  // namespace sooner
