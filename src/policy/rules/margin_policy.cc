// Leaves when the largest softmax probability is well ahead of the second.
#include "policy/policy_kind.h"
#include "policy/rules/threshold_policy.h"
#include "policy/scores.h"

namespace sooner {
namespace {

class MarginPolicy final : public ThresholdPolicy {
 public:
  using ThresholdPolicy::ThresholdPolicy;

 protected:
  [[nodiscard]] bool remembers() const override { return false; }
  [[nodiscard]] Opinion judge(const ExitObservation& observation, std::span<std::byte> /*state*/) const override {
    return {margin_score(observation.logits, temperature(observation.exit_index))};
  }
};

}  // namespace

PolicyKind margin_policy_kind() {
  return {
      .name = "margin",
      .unit = {.name = "margin",
               .text = [](double score, int32_t /*classes*/) { return plain_threshold_text("p1 - p2 >= ", score); }},
      .probabilities = true,
      .lowest_threshold = 0,
      .highest_threshold = 1,
      .make = [](const PolicySpec& spec, const PolicyContext& /*context*/) -> std::unique_ptr<const ExitPolicy> {
        return std::make_unique<MarginPolicy>(spec);
      }};
}

}  // namespace sooner
