// Leaves when the entropy of the softmax is low: score 1 - H(p)/ln C (BranchyNet's rule, normalised as in DDNN).
#include "policy/policy_kind.h"
#include "policy/rules/threshold_policy.h"
#include "policy/scores.h"

namespace sooner {
namespace {

class EntropyPolicy final : public ThresholdPolicy {
 public:
  using ThresholdPolicy::ThresholdPolicy;

 protected:
  [[nodiscard]] bool remembers() const override { return false; }
  [[nodiscard]] Opinion judge(const ExitObservation& observation, std::span<std::byte> /*state*/) const override {
    return {entropy_score(observation.logits, temperature(observation.exit_index))};
  }
};

}  // namespace

PolicyKind entropy_policy_kind() {
  return {.name = "entropy",
          .probabilities = true,
          .default_threshold = std::nullopt,
          .highest_threshold = 1,  // 0 nats; ln C and more mean everybody
          .make = [](const PolicySpec& spec, const PolicyContext& /*context*/) -> std::unique_ptr<const ExitPolicy> {
            return std::make_unique<EntropyPolicy>(spec);
          }};
}

}  // namespace sooner
