#include "policy/wrappers/deadline_policy.h"

#include <algorithm>
#include <utility>

namespace sooner {
namespace {

class DeadlinePolicy final : public ExitPolicy {
 public:
  DeadlinePolicy(std::unique_ptr<const ExitPolicy> inner, double seconds)
      : inner_(std::move(inner)), seconds_(seconds) {}

  [[nodiscard]] std::string_view name() const override { return inner_->name(); }
  [[nodiscard]] size_t state_bytes() const override { return inner_->state_bytes(); }
  [[nodiscard]] bool needs_times() const override { return true; }
  [[nodiscard]] double deadline_seconds() const override { return seconds_; }
  // Time may run out anywhere.
  [[nodiscard]] bool needs_exit(int32_t /*exit_index*/) const override { return true; }

  ExitVerdict decide(const ExitObservation& observation, std::span<std::byte> state) const override {
    ExitVerdict verdict = inner_->decide(observation, state);
    const double next_answer = observation.elapsed_seconds + observation.next_stage_seconds;
    if (!verdict.leaves() && next_answer > std::min(seconds_, observation.deadline_seconds)) {
      verdict.left = Left::kByDeadline;
    }
    return verdict;
  }

 private:
  std::unique_ptr<const ExitPolicy> inner_;
  double seconds_;
};

}  // namespace

std::unique_ptr<const ExitPolicy> deadline_policy(std::unique_ptr<const ExitPolicy> inner, double seconds) {
  return std::make_unique<DeadlinePolicy>(std::move(inner), seconds);
}

}  // namespace sooner
