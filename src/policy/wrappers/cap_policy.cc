#include "policy/wrappers/cap_policy.h"

#include <utility>

namespace sooner {
namespace {

class CapPolicy final : public ExitPolicy {
 public:
  CapPolicy(std::unique_ptr<const ExitPolicy> inner, int32_t cap) : inner_(std::move(inner)), cap_(cap) {}

  [[nodiscard]] std::string_view name() const override { return inner_->name(); }
  [[nodiscard]] size_t state_bytes() const override { return inner_->state_bytes(); }
  [[nodiscard]] bool needs_times() const override { return inner_->needs_times(); }
  [[nodiscard]] double deadline_seconds() const override { return inner_->deadline_seconds(); }
  // The capped exit must answer even where the inner policy would have skipped it.
  [[nodiscard]] bool needs_exit(int32_t exit_index) const override {
    return exit_index >= cap_ || inner_->needs_exit(exit_index);
  }

  ExitVerdict decide(const ExitObservation& observation, std::span<std::byte> state) const override {
    ExitVerdict verdict = inner_->decide(observation, state);
    if (!verdict.leaves() && observation.exit_index >= cap_) verdict.left = Left::kByCap;
    return verdict;
  }

 private:
  std::unique_ptr<const ExitPolicy> inner_;
  int32_t cap_;
};

}  // namespace

std::unique_ptr<const ExitPolicy> cap_policy(std::unique_ptr<const ExitPolicy> inner, int32_t cap) {
  return std::make_unique<CapPolicy>(std::move(inner), cap);
}

}  // namespace sooner
