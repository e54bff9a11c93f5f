// Leaves when the stick-breaking weights of the gates, w_k = g_k prod_{j<k} (1 - g_j), add up to enough.
#include <cstring>

#include "policy/policy_kind.h"
#include "policy/threshold_policy.h"

namespace sooner {
namespace {

// Zero bytes must mean "before the first exit", so the state is the sum of the weights so far; the running product
// prod (1 - g_j) is what is left of the stick, 1 - sum.
struct State {
  double weight_sum;
};

class ConfidencePolicy final : public ThresholdPolicy {
 public:
  using ThresholdPolicy::ThresholdPolicy;

  [[nodiscard]] size_t state_bytes() const override { return sizeof(State); }

 protected:
  [[nodiscard]] Opinion judge(const ExitObservation& observation, std::span<std::byte> state) const override {
    if (is_last(observation.exit_index)) return {1.0};  // the last exit takes all that is left
    State now{};
    std::memcpy(&now, state.data(), sizeof(now));
    now.weight_sum += static_cast<double>(observation.gate) * (1 - now.weight_sum);
    std::memcpy(state.data(), &now, sizeof(now));
    return {now.weight_sum};
  }
};

}  // namespace

PolicyKind confidence_policy_kind() {
  return {.name = "confidence",
          .gates = true,
          .scores_last_exit = false,
          .default_threshold = 0.5,
          .make = [](const PolicySpec& spec, const PolicyContext& /*context*/) -> std::unique_ptr<const ExitPolicy> {
            return std::make_unique<ConfidencePolicy>(spec);
          }};
}

}  // namespace sooner
