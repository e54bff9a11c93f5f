#include "policy/wrappers/abstain_policy.h"

#include <utility>

#include "policy/scores.h"

namespace sooner {
namespace {

class AbstainPolicy final : public ExitPolicy {
 public:
  AbstainPolicy(std::unique_ptr<const ExitPolicy> inner, double threshold, bool own_score)
      : inner_(std::move(inner)), threshold_(threshold), own_score_(own_score) {}

  [[nodiscard]] std::string_view name() const override { return inner_->name(); }
  [[nodiscard]] size_t state_bytes() const override { return inner_->state_bytes(); }
  [[nodiscard]] bool needs_times() const override { return inner_->needs_times(); }
  [[nodiscard]] double deadline_seconds() const override { return inner_->deadline_seconds(); }
  [[nodiscard]] bool needs_exit(int32_t exit_index) const override { return inner_->needs_exit(exit_index); }

  ExitVerdict decide(const ExitObservation& observation, std::span<std::byte> state) const override {
    ExitVerdict verdict = inner_->decide(observation, state);
    if (!verdict.leaves() || verdict.left == Left::kByPolicy) return verdict;
    const double score =
        own_score_ ? static_cast<double>(verdict.score) : max_prob_log_odds(observation.logits, /*temperature=*/1);
    if (!(score >= threshold_)) verdict.left = Left::kAbstains;
    return verdict;
  }

 private:
  std::unique_ptr<const ExitPolicy> inner_;
  double threshold_;
  bool own_score_;
};

}  // namespace

std::unique_ptr<const ExitPolicy> abstain_policy(std::unique_ptr<const ExitPolicy> inner, double threshold,
                                                 bool own_score) {
  return std::make_unique<AbstainPolicy>(std::move(inner), threshold, own_score);
}

}  // namespace sooner
