// Leaves when the exits so far agree well enough, and answers with the class they voted for. Every exit i gives its
// predicted class y_i the vote m_i = max softmax(z_i / T_i), so an unsure exit counts for little:
//
//   V_c = sum_{i <= k} m_i [y_i = c]      score at exit k (from 1) = max_c V_c / k, in [0, 1]
//
// Sun et al. 2021, "Early Exiting with Ensemble Internal Classifiers", count votes of 1 and divide by a power of k;
// here the votes are weighted by the exits' own scores and the power is 1. The last exit answers alone, scored by the
// votes for its class.
#include <cmath>

#include "policy/policy_kind.h"
#include "policy/rules/state_rows.h"
#include "policy/rules/threshold_policy.h"
#include "policy/scores.h"
#include "policy/threshold_units.h"

namespace sooner {
namespace {

class VotePolicy final : public ThresholdPolicy {
 public:
  VotePolicy(const PolicySpec& spec, size_t classes) : ThresholdPolicy(spec), classes_(classes) {}

  // V, [C].
  [[nodiscard]] size_t state_bytes() const override { return state_rows_bytes(1, classes_); }

 protected:
  [[nodiscard]] Opinion judge(const ExitObservation& observation, std::span<std::byte> state) const override {
    const std::span<float> votes = state_row(state, 0, classes_);
    const double vote =
        probability_from_log_odds(max_prob_log_odds(observation.logits, temperature(observation.exit_index)));
    if (std::isnan(vote)) return {vote};  // an exit that cannot tell does not vote
    const auto own = static_cast<size_t>(argmax(observation.logits));
    votes[own] += static_cast<float>(vote);
    const size_t winner = is_last(observation.exit_index) ? own : static_cast<size_t>(argmax(votes));
    return {.score = static_cast<double>(votes[winner]) / (observation.exit_index + 1),
            .label = static_cast<int32_t>(winner)};
  }

 private:
  size_t classes_;
};

}  // namespace

PolicyKind vote_policy_kind() {
  return {
      .name = "vote",
      .unit = {.name = "vote",
               .text = [](double score, int32_t /*classes*/) { return plain_threshold_text("mean vote >= ", score); }},
      .probabilities = true,
      .lowest_threshold = 0,
      .highest_threshold = 1,
      .make = [](const PolicySpec& spec, const PolicyContext& context) -> std::unique_ptr<const ExitPolicy> {
        return std::make_unique<VotePolicy>(spec, static_cast<size_t>(context.classes));
      }};
}

}  // namespace sooner
