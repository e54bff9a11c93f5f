// Everybody leaves at one fixed exit; heads before it are neither computed nor paid.
#include "core/error.h"
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

int32_t exit_of(const PolicySpec& spec) {
  const SettingValue* exit = spec.settings.find("exit");
  return exit == nullptr ? 0 : static_cast<int32_t>(std::get<int64_t>(*exit));
}

void check(const PolicySpec& spec, const PolicyContext& context) {
  if (const int64_t exit = spec.settings.whole("exit"); exit < 0 || exit >= context.exits) {
    fail(Code::kInvalidArgument, "[policy] 'always' got exit {}, expected 0 to {}: the model has {} exits", exit,
         context.exits - 1, context.exits);
  }
  if (spec.wrappers.surest_so_far) {
    fail(Code::kInvalidArgument, "[policy] 'always' looks at one exit alone, so none before it is surer; use 'never'");
  }
}

}  // namespace

PolicyKind always_policy_kind() {
  return {
      .name = "always",
      .fits = PolicyFits::kBoth,
      .thresholds = false,
      .scores_last_exit = false,
      .settings = {{.name = "exit",
                    .flag = "--exit",
                    .help = "always: the exit everybody leaves at, from 0",
                    .standard = int64_t{0}}},
      .fixed = [](const PolicySpec& spec,
                  int32_t exit) { return FixedExit{.leaves = exit >= exit_of(spec), .asked = exit == exit_of(spec)}; },
      .said = [](const PolicySpec& spec) { return fmt::format("({})", exit_of(spec)); },
      .check = check,
      .make = [](const PolicySpec& spec, const PolicyContext& context) -> std::unique_ptr<const ExitPolicy> {
        return std::make_unique<AlwaysPolicy>(exit_of(spec), context.exits);
      }};
}

}  // namespace sooner
