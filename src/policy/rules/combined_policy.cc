// Several policies asked together: `any` leaves when one of them would, `all` when each would. The score is the
// fraction of the parts that would leave. Every part is asked at every exit it needs, so that its state goes on.
#include <algorithm>

#include "policy/policy_kind.h"

namespace sooner {
namespace {

class CombinedPolicy final : public ExitPolicy {
 public:
  CombinedPolicy(std::string name, std::vector<std::unique_ptr<const ExitPolicy>> parts, size_t needed, int32_t exits)
      : name_(std::move(name)), parts_(std::move(parts)), needed_(needed), last_(exits - 1) {
    for (const auto& part : parts_) state_bytes_ += part->state_bytes();
  }

  [[nodiscard]] std::string_view name() const override { return name_; }
  [[nodiscard]] size_t state_bytes() const override { return state_bytes_; }
  [[nodiscard]] bool needs_exit(int32_t exit_index) const override {
    return std::ranges::any_of(parts_, [&](const auto& part) { return part->needs_exit(exit_index); });
  }

  // Answers as the first part that would leave, or as the first part of all where none would.
  ExitVerdict decide(const ExitObservation& observation, std::span<std::byte> state) const override {
    ExitVerdict answer;
    size_t leaving = 0;
    for (size_t i = 0, offset = 0; i < parts_.size(); offset += parts_[i]->state_bytes(), ++i) {
      if (!parts_[i]->needs_exit(observation.exit_index)) continue;
      const ExitVerdict verdict = parts_[i]->decide(observation, state.subspan(offset, parts_[i]->state_bytes()));
      if (i == 0 || (verdict.leaves() && leaving == 0)) {
        answer.label = verdict.label;
        answer.probability = verdict.probability;
      }
      leaving += verdict.leaves() ? 1 : 0;
    }
    answer.score = static_cast<float>(leaving) / static_cast<float>(parts_.size());
    if (observation.exit_index >= last_) {
      answer.left = Left::kAtLastExit;
    } else if (leaving >= needed_) {
      answer.left = Left::kByPolicy;
    }
    return answer;
  }

 private:
  std::string name_;
  std::vector<std::unique_ptr<const ExitPolicy>> parts_;
  size_t needed_;  // parts that must agree to leave
  int32_t last_;
  size_t state_bytes_ = 0;
};

std::unique_ptr<const ExitPolicy> combine(const PolicySpec& spec, const PolicyContext& context, size_t needed) {
  std::vector<std::unique_ptr<const ExitPolicy>> parts;
  for (const PolicySpec& part : spec.parts) parts.push_back(make_policy(part, context));
  return std::make_unique<CombinedPolicy>(spec.name, std::move(parts), needed, context.exits);
}

}  // namespace

PolicyKind any_policy_kind() {
  return {.name = "any",
          .fits = PolicyFits::kBoth,
          .thresholds = false,
          .scores_last_exit = false,
          .joins_parts = "or",
          .make = [](const PolicySpec& spec, const PolicyContext& context) { return combine(spec, context, 1); }};
}

PolicyKind all_policy_kind() {
  return {.name = "all",
          .fits = PolicyFits::kBoth,
          .thresholds = false,
          .scores_last_exit = false,
          .joins_parts = "and",
          .make = [](const PolicySpec& spec, const PolicyContext& context) {
            return combine(spec, context, spec.parts.size());
          }};
}

}  // namespace sooner
