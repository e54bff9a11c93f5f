// Leaves when the largest softmax probability is high. Scores and thresholds are log-odds: fp32 probabilities tie at 1.
#include "policy/policy_kind.h"
#include "policy/rules/threshold_policy.h"
#include "policy/scores.h"

namespace sooner {
namespace {

class MaxProbPolicy final : public ThresholdPolicy {
 public:
  using ThresholdPolicy::ThresholdPolicy;

 protected:
  [[nodiscard]] bool remembers() const override { return false; }
  [[nodiscard]] Opinion judge(const ExitObservation& observation, std::span<std::byte> /*state*/) const override {
    return {max_prob_log_odds(observation.logits, temperature(observation.exit_index))};
  }
};

}  // namespace

PolicyKind max_prob_policy_kind() {
  return {.name = "max-prob",
          .unit = probability_unit([](double score, int32_t /*classes*/) { return probability_text("p >= ", score); }),
          .probabilities = true,
          .make = [](const PolicySpec& spec, const PolicyContext& /*context*/) -> std::unique_ptr<const ExitPolicy> {
            return std::make_unique<MaxProbPolicy>(spec);
          }};
}

}  // namespace sooner
