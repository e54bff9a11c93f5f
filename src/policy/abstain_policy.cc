#include "policy/abstain_policy.h"

#include <utility>

namespace sooner {
namespace {

class AbstainPolicy final : public ExitPolicy {
 public:
  AbstainPolicy(std::unique_ptr<const ExitPolicy> inner, double threshold)
      : inner_(std::move(inner)), threshold_(threshold) {}

  [[nodiscard]] std::string_view name() const override { return inner_->name(); }
  [[nodiscard]] size_t state_bytes() const override { return inner_->state_bytes(); }
  [[nodiscard]] bool needs_times() const override { return inner_->needs_times(); }
  [[nodiscard]] bool needs_exit(int32_t exit_index) const override { return inner_->needs_exit(exit_index); }

  ExitVerdict decide(const ExitObservation& observation, std::span<std::byte> state) const override {
    ExitVerdict verdict = inner_->decide(observation, state);
    const bool sure = !verdict.leaves() || verdict.left == Left::kByPolicy;
    if (!sure && !(static_cast<double>(verdict.score) >= threshold_)) verdict.left = Left::kAbstains;
    return verdict;
  }

 private:
  std::unique_ptr<const ExitPolicy> inner_;
  double threshold_;
};

}  // namespace

std::unique_ptr<const ExitPolicy> abstain_policy(std::unique_ptr<const ExitPolicy> inner, double threshold) {
  return std::make_unique<AbstainPolicy>(std::move(inner), threshold);
}

}  // namespace sooner
