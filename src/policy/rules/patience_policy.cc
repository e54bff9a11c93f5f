// Leaves when enough exits in a row agree on the class (PABEE, Zhou et al. 2020, "BERT Loses Patience"): the score is
// the number of exits in a row, this one last, whose prediction is that of the exit before. 0 at the first exit.
#include <algorithm>
#include <cmath>
#include <cstring>

#include <fmt/format.h>

#include "policy/policy_kind.h"
#include "policy/rules/threshold_policy.h"
#include "policy/scores.h"

namespace sooner {
namespace {

// Zero bytes mean "before the first exit".
struct State {
  int32_t agreements;       // exits in a row that repeated the one before
  int32_t previous_plus_1;  // the class the exit before predicted, plus one; 0: none
};

class PatiencePolicy final : public ThresholdPolicy {
 public:
  using ThresholdPolicy::ThresholdPolicy;

  [[nodiscard]] size_t state_bytes() const override { return sizeof(State); }

 protected:
  [[nodiscard]] Opinion judge(const ExitObservation& observation, std::span<std::byte> state) const override {
    State now{};
    std::memcpy(&now, state.data(), sizeof(now));
    // Logits that are not numbers predict nothing, so nobody agrees with them.
    const bool predicts = std::ranges::none_of(observation.logits, [](float logit) { return std::isnan(logit); });
    const int32_t prediction = predicts ? argmax(observation.logits) + 1 : 0;
    now.agreements = predicts && prediction == now.previous_plus_1 ? now.agreements + 1 : 0;
    now.previous_plus_1 = prediction;
    std::memcpy(state.data(), &now, sizeof(now));
    if (!predicts) return {std::numeric_limits<double>::quiet_NaN()};
    return {static_cast<double>(now.agreements)};
  }
};

}  // namespace

PolicyKind patience_policy_kind() {
  return {.name = "patience",
          .unit = {.name = "exits",
                   .text = [](double score,
                              int32_t /*classes*/) { return fmt::format("{:.3g} exits in a row agree", score); }},
          .default_threshold = 1,  // the least that asks for any agreement
          .lowest_threshold = 0,
          .counts_exits = true,
          .make = [](const PolicySpec& spec, const PolicyContext& /*context*/) -> std::unique_ptr<const ExitPolicy> {
            return std::make_unique<PatiencePolicy>(spec);
          }};
}

}  // namespace sooner
