// Every stage learns from its own exit alone: gradients stop at stage boundaries (after Deep Cascade Learning, 2018).
#include "train/weighted_regime.h"

namespace sooner {

std::unique_ptr<Regime> make_local_regime(const RegimeContext& context) {
  return std::make_unique<WeightedRegime>(context, Phase{.name = "local", .detached = true},
                                          std::vector<double>(context.graph.exits(), 1.0));
}

}  // namespace sooner
