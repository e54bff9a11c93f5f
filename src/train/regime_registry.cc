// The table of regimes. Row `x` is x_regime_kind() of x_regime.cc.
#include <algorithm>
#include <array>

#include "core/error.h"
#include "core/text.h"
#include "train/regime.h"

namespace sooner {

#define SOONER_REGIME_ROWS(row)                                                                          \
  row(plain) row(joint) row(joint_ramp) row(depth_weighted) row(distillation) row(local) row(layer_wise) \
      row(classifier_wise) row(zero_time_waste) row(mixed) row(differentiable)

#define SOONER_DECLARE_KIND(regime) RegimeKind regime##_regime_kind();
#define SOONER_CALL_KIND(regime) regime##_regime_kind(),
SOONER_REGIME_ROWS(SOONER_DECLARE_KIND)

std::span<const RegimeKind> regime_kinds() {
  static const std::array kKinds = {SOONER_REGIME_ROWS(SOONER_CALL_KIND)};
  return kKinds;
}

std::vector<std::string> regime_names() {
  std::vector<std::string> names;
  for (const RegimeKind& kind : regime_kinds()) names.emplace_back(kind.name);
  return names;
}

const RegimeKind& regime_kind(std::string_view name) {
  const auto kinds = regime_kinds();
  const auto found = std::ranges::find_if(kinds, [&](const RegimeKind& kind) { return kind.name == name; });
  if (found == kinds.end()) {
    fail(Code::kInvalidArgument, "[regime] got unknown regime '{}'; {}", name, suggest(name, regime_names()));
  }
  return *found;
}

}  // namespace sooner
