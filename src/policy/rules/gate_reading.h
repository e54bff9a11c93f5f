// The common half of policies that read gates: the gate as it is at the cost weight a sample began with.
#pragma once

#include <cstring>
#include <optional>
#include <span>

#include "core/error.h"
#include "policy/cost_weights.h"
#include "policy/policy_kind.h"

namespace sooner {

// The setting of such a policy, and the check that it fits the gates.
inline PolicySetting cost_weight_setting() {
  return {.name = "cost_weight",
          .flag = "--cost-weight",
          .help =
              "gate, confidence: how dear arithmetic is, where the gates were trained for a range of it; larger "
              "exits earlier; default: the model's standard one",
          .sample = double{}};
}

inline void check_cost_weight_of(const PolicySpec& spec, const PolicyContext& context) {
  if (!spec.settings.has("cost_weight")) return;
  const double weight = spec.settings.number("cost_weight");
  if (!context.cost_weights) {
    fail(Code::kInvalidArgument,
         "[policy] got cost weight {}, expected none: this model's gates were trained for a single one", weight);
  }
  check_cost_weight(*context.cost_weights, weight);
}

class GateReading {
 public:
  // REQUIRES: a spec that was checked.
  GateReading(const PolicySpec& spec, const PolicyContext& context)
      : weights_(context.cost_weights),
        own_(spec.settings.has("cost_weight") ? spec.settings.number("cost_weight")
             : weights_                       ? weights_->standard
                                              : 0) {}

  // Of the state, at its front: the cost weight. It travels with the sample, so that rows go on as they began, whatever
  // the session that takes them up is set to.
  [[nodiscard]] size_t state_bytes() const { return weights_ ? sizeof(double) : 0; }

  // REQUIRES: an early exit; the whole state of the policy.
  [[nodiscard]] double gate(const ExitObservation& observation, std::span<std::byte> state) const {
    const auto gate = static_cast<double>(observation.gate);
    if (!weights_) return gate;
    double value = 0;
    std::memcpy(&value, state.data(), sizeof(value));
    if (value == 0) {  // before the first exit
      value = own_;
      std::memcpy(state.data(), &value, sizeof(value));
    }
    return gate_at(*weights_, observation.exit_index, gate, cost_weight_position(*weights_, value));
  }

 private:
  std::optional<CostWeights> weights_;
  double own_;
};

}  // namespace sooner
