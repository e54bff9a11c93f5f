// Leaves when the entropy of the softmax is low: score 1 - H(p)/ln C (BranchyNet's rule, normalised as in DDNN).
#include <fmt/format.h>

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

std::string text(double score, int32_t classes) {
  return fmt::format("H <= {:.3g} nats", nats_from_entropy_score(score, classes));
}

}  // namespace

PolicyKind entropy_policy_kind() {
  return {
      .name = "entropy",
      // Once a bare number was the score.
      .unit = {.name = "nats",
               .to_score = entropy_score_from_nats,
               .from_score = nats_from_entropy_score,
               .text = text,
               .named = true},
      .probabilities = true,
      .highest_threshold = 1,  // 0 nats; ln C and more mean everybody
      .grid = {1e-4, 5e-4, 1e-3, 5e-3, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2, 3, 5, 10},  // BranchyNet's list
      .make = [](const PolicySpec& spec, const PolicyContext& /*context*/) -> std::unique_ptr<const ExitPolicy> {
        return std::make_unique<EntropyPolicy>(spec);
      }};
}

}  // namespace sooner
