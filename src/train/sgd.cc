#include "train/sgd.h"

#include "graph/parameters.h"
#include "train/torch_tensors.h"

namespace sooner {
namespace {

bool is_gate(ParameterKind kind) {
  return kind == ParameterKind::kGateFeatures || kind == ParameterKind::kGateScores || kind == ParameterKind::kGateBias;
}

}  // namespace

Sgd::Group Sgd::group_of(ParameterKind kind) {
  if (is_gate(kind)) return Group::kGate;
  if (kind == ParameterKind::kShift) return Group::kShift;
  return kind == ParameterKind::kWeight ? Group::kDecaying : Group::kPlain;
}

Sgd::Sgd(GraphModule& module, const SgdOptions& options) : options_(options) {
  for (const GraphModule::Parameter& parameter : module.parameters()) {
    if (!parameter.spec.trainable()) continue;
    slots_.push_back({parameter.spec.name, parameter.value, at::zeros_like(parameter.value.detach()),
                      group_of(parameter.spec.kind)});
  }
}

void Sgd::clear_gradients() {
  for (Slot& slot : slots_) slot.parameter.mutable_grad().reset();
}

void Sgd::step(double rate) {
  guard_torch("Sgd::step", [&] {
    const at::NoGradGuard no_grad;
    const auto in = [&](Group group) {
      std::vector<Slot*> slots;
      for (Slot& slot : slots_) {
        if (slot.group == group && slot.parameter.grad().defined()) slots.push_back(&slot);
      }
      return slots;
    };
    update(in(Group::kDecaying), rate, options_.weight_decay);
    update(in(Group::kPlain), rate, 0);
    update(in(Group::kShift), rate * options_.shift_rate_factor, 0);
    update(in(Group::kGate), rate * options_.gate_rate_factor, 0);
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
  for (Slot& slot : slots_) restore(slot.buffer, tensors, slot.name, "Sgd", "momentum of");
}

}  // namespace sooner
