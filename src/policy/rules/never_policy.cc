// Nobody leaves early; heads before the last are neither computed nor paid.
#include "policy/policy_kind.h"

namespace sooner {
namespace {

class NeverPolicy final : public ExitPolicy {
 public:
  explicit NeverPolicy(int32_t exits) : last_(exits - 1) {}

  [[nodiscard]] std::string_view name() const override { return "never"; }
  [[nodiscard]] bool needs_exit(int32_t exit_index) const override { return exit_index >= last_; }

  ExitVerdict decide(const ExitObservation& observation, std::span<std::byte> /*state*/) const override {
    return {observation.exit_index >= last_ ? Left::kAtLastExit : Left::kStays, 0};
  }

 private:
  int32_t last_;
};

}  // namespace

PolicyKind never_policy_kind() {
  return {.name = "never",
          .fits = PolicyFits::kBoth,
          .thresholds = false,
          .scores_last_exit = false,
          .fixed = [](const PolicySpec& /*spec*/, int32_t /*exit*/) { return FixedExit{}; },
          .make = [](const PolicySpec& /*spec*/, const PolicyContext& context) -> std::unique_ptr<const ExitPolicy> {
            return std::make_unique<NeverPolicy>(context.exits);
          }};
}

}  // namespace sooner
