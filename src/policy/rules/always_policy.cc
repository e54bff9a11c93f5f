// Everybody leaves at one fixed exit; heads before it are neither computed nor paid.
#include "policy/policy_kind.h"

namespace sooner {
namespace {

class AlwaysPolicy final : public ExitPolicy {
 public:
  AlwaysPolicy(int32_t exit, int32_t exits) : exit_(exit), last_(exits - 1) {}

  [[nodiscard]] std::string_view name() const override { return "always"; }
  [[nodiscard]] bool needs_exit(int32_t exit_index) const override { return exit_index >= exit_; }

  ExitVerdict decide(const ExitObservation& observation, std::span<std::byte> /*state*/) const override {
    if (observation.exit_index >= last_) return {Left::kAtLastExit, 0};
    return {observation.exit_index >= exit_ ? Left::kByPolicy : Left::kStays, 0};
  }

 private:
  int32_t exit_;
  int32_t last_;
};

}  // namespace

PolicyKind always_policy_kind() {
  return {.name = "always",
          .thresholds = false,
          .scores_last_exit = false,
          .default_threshold = std::nullopt,
          .make = [](const PolicySpec& spec, const PolicyContext& context) -> std::unique_ptr<const ExitPolicy> {
            return std::make_unique<AlwaysPolicy>(spec.always_exit, context.exits);
          }};
}

}  // namespace sooner
