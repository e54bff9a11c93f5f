// Exits that add to each other (Yu et al., BoostNet, AAAI 2023): exit k answers with F_k = z_k + F_{k-1}, and learns
// what the exits before left wrong, F_{k-1} taken as given:
//   L = sum_k w_k l(z_k + F_{k-1})
// The module sums (GraphModule::sum_answers).
#include "train/weighted_regime.h"

namespace sooner {

std::unique_ptr<Regime> make_boosting_regime(const RegimeContext& context) {
  return std::make_unique<WeightedRegime>(context, Phase{.name = "boosting"},
                                          joint_weights(context.settings.rule("joint.weights"), context.graph.exits()));
}

}  // namespace sooner
