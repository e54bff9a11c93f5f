// Leaves when the stick-breaking weights of the gates, w_k = g_k prod_{j<k} (1 - g_j), add up to enough.
#include <cstring>

#include "policy/policy_kind.h"
#include "policy/rules/gate_reading.h"
#include "policy/rules/threshold_policy.h"

namespace sooner {
namespace {

// Zero bytes must mean "before the first exit", so the state is the sum of the weights so far; the running product
// prod (1 - g_j) is what is left of the stick, 1 - sum.
struct State {
  double weight_sum;
};

class ConfidencePolicy final : public ThresholdPolicy {
 public:
  ConfidencePolicy(const PolicySpec& spec, const PolicyContext& context)
      : ThresholdPolicy(spec), reading_(spec, context) {}

  [[nodiscard]] size_t state_bytes() const override { return reading_.state_bytes() + sizeof(State); }

 protected:
  [[nodiscard]] Opinion judge(const ExitObservation& observation, std::span<std::byte> state) const override {
    if (is_last(observation.exit_index)) return {1.0};  // the last exit takes all that is left
    const std::span<std::byte> own = state.subspan(reading_.state_bytes());
    State now{};
    std::memcpy(&now, own.data(), sizeof(now));
    now.weight_sum += reading_.gate(observation, state) * (1 - now.weight_sum);
    std::memcpy(own.data(), &now, sizeof(now));
    return {now.weight_sum};
  }

 private:
  GateReading reading_;
};

}  // namespace

PolicyKind confidence_policy_kind() {
  return {.name = "confidence",
          .unit = {.name = "confidence",
                   .text = [](double score, int32_t /*classes*/) { return plain_threshold_text("sum w >= ", score); }},
          .gates = true,
          .scores_last_exit = false,
          .default_threshold = 0.5,
          .lowest_threshold = 0,
          .highest_threshold = 1,
          .settings = {cost_weight_setting()},
          .check = check_cost_weight_of,
          .make = [](const PolicySpec& spec, const PolicyContext& context) -> std::unique_ptr<const ExitPolicy> {
            return std::make_unique<ConfidencePolicy>(spec, context);
          }};
}

}  // namespace sooner
