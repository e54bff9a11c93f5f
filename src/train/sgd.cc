#include "train/sgd.h"

#include "graph/parameters.h"
#include "train/torch_tensors.h"

namespace sooner {
namespace {

bool is_gate(ParameterKind kind) {
  return kind == ParameterKind::kGateFeatures || kind == ParameterKind::kGateScores || kind == ParameterKind::kGateBias;
}

}  // namespace

Sgd::Sgd(GraphModule& module, const SgdOptions& options) : options_(options) {
  for (const GraphModule::Parameter& parameter : module.parameters()) {
    if (!parameter.spec.trainable()) continue;
    const ParameterKind kind = parameter.spec.kind;
    slots_.push_back({parameter.spec.name, parameter.value, at::zeros_like(parameter.value.detach()),
                      kind == ParameterKind::kWeight, is_gate(kind)});
  }
}

void Sgd::clear_gradients() {
  for (Slot& slot : slots_) slot.parameter.mutable_grad().reset();
}

void Sgd::step(double rate) {
  guard_torch("Sgd::step", [&] {
    const at::NoGradGuard no_grad;
    std::vector<Slot*> decaying;
    std::vector<Slot*> plain;
    std::vector<Slot*> gates;
    for (Slot& slot : slots_) {
      if (!slot.parameter.grad().defined()) continue;
      (slot.gate ? gates : slot.decays ? decaying : plain).push_back(&slot);
    }
    update(decaying, rate, options_.weight_decay);
    update(plain, rate, 0);
    update(gates, rate * options_.gate_rate_factor, 0);
  });
}

void Sgd::update(const std::vector<Slot*>& slots, double rate, double decay) {
  if (slots.empty()) return;
  // One call for many tensors: one kernel launch on a GPU instead of hundreds.
  std::vector<at::Tensor> parameters;
  std::vector<at::Tensor> gradients;
  std::vector<at::Tensor> buffers;
  for (Slot* slot : slots) {
    parameters.push_back(slot->parameter);
    gradients.push_back(slot->parameter.grad());
    buffers.push_back(slot->buffer);
  }
  if (decay != 0) at::_foreach_add_(gradients, parameters, decay);
  at::_foreach_mul_(buffers, options_.momentum);
  at::_foreach_add_(buffers, gradients);
  if (options_.nesterov) {
    at::_foreach_add_(gradients, buffers, options_.momentum);
    at::_foreach_add_(parameters, gradients, -rate);
  } else {
    at::_foreach_add_(parameters, buffers, -rate);
  }
}

TensorMap Sgd::export_buffers() const {
  TensorMap tensors;
  for (const Slot& slot : slots_) tensors.emplace(slot.name, from_torch(slot.buffer));
  return tensors;
}

void Sgd::import_buffers(const TensorMap& tensors) {
  for (Slot& slot : slots_) {
    const auto found = tensors.find(slot.name);
    const Shape shape(slot.buffer.sizes().begin(), slot.buffer.sizes().end());
    if (found == tensors.end() || found->second.shape() != shape || found->second.dtype() != DType::kF32) {
      fail(Code::kDataLoss, "[Sgd] momentum of '{}' is missing or not F32 {}; this checkpoint is of another network",
           slot.name, to_string(shape));
    }
    slot.buffer.copy_(to_torch(found->second));
  }
}

}  // namespace sooner
