// Leaves when the exit's learned gate says so: g >= 0.5 unless told otherwise (differentiable branching).
#include "policy/policy_kind.h"
#include "policy/rules/gate_reading.h"
#include "policy/rules/threshold_policy.h"

namespace sooner {
namespace {

class GatePolicy final : public ThresholdPolicy {
 public:
  GatePolicy(const PolicySpec& spec, const PolicyContext& context) : ThresholdPolicy(spec), reading_(spec, context) {}

  [[nodiscard]] size_t state_bytes() const override { return reading_.state_bytes(); }

 protected:
  // But for the cost weight, which is the same whichever exit is the first to be read.
  [[nodiscard]] bool remembers() const override { return false; }
  [[nodiscard]] Opinion judge(const ExitObservation& observation, std::span<std::byte> state) const override {
    // The last exit has no gate: it always answers, as if g were 1.
    return {is_last(observation.exit_index) ? 1.0 : reading_.gate(observation, state)};
  }

 private:
  GateReading reading_;
};

}  // namespace

PolicyKind gate_policy_kind() {
  return {.name = "gate",
          .unit = {.name = "gate",
                   .text = [](double score, int32_t /*classes*/) { return plain_threshold_text("g >= ", score); }},
          .gates = true,
          .scores_last_exit = false,
          .default_threshold = 0.5,
          .lowest_threshold = 0,
          .highest_threshold = 1,
          .settings = {cost_weight_setting()},
          .check = check_cost_weight_of,
          .make = [](const PolicySpec& spec, const PolicyContext& context) -> std::unique_ptr<const ExitPolicy> {
            return std::make_unique<GatePolicy>(spec, context);
          }};
}

}  // namespace sooner
