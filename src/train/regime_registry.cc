// Which maker belongs to which row of recipe/regime_kind.h. That of `x` is make_x_regime() of x_regime.cc.
#include <algorithm>
#include <array>
#include <string>

#include "core/error.h"
#include "recipe/regime_kind.h"
#include "train/regime.h"

namespace sooner {

#define SOONER_REGIMES(row)                                                                              \
  row(plain) row(joint) row(joint_ramp) row(depth_weighted) row(distillation) row(local) row(layer_wise) \
      row(classifier_wise) row(zero_time_waste) row(mixed) row(differentiable) row(survivors) row(boosting)

#define SOONER_DECLARE_MAKER(regime) std::unique_ptr<Regime> make_##regime##_regime(const RegimeContext& context);
#define SOONER_NAME_MAKER(regime) Maker{#regime, make_##regime##_regime},
SOONER_REGIMES(SOONER_DECLARE_MAKER)

std::unique_ptr<Regime> make_regime(std::string_view name, const RegimeContext& context) {
  struct Maker {
    std::string_view regime;
    std::unique_ptr<Regime> (*make)(const RegimeContext& context);
  };
  static constexpr std::array kMakers = {SOONER_REGIMES(SOONER_NAME_MAKER)};
  std::string word(regime_kind(name).name);
  std::ranges::replace(word, '-', '_');
  const auto* const maker = std::ranges::find_if(kMakers, [&](const Maker& row) { return row.regime == word; });
  SOONER_ASSERT(maker != kMakers.end());
  return maker->make(context);
}

}  // namespace sooner
