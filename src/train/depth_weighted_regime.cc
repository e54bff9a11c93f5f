// L = sum_k k CE_k / sum_k k, k from 1 (PABEE, NeurIPS 2020).
#include "train/weighted_regime.h"

namespace sooner {

std::unique_ptr<Regime> make_depth_weighted_regime(const RegimeContext& context) {
  const auto exits = static_cast<double>(context.graph.exits());
  std::vector<double> weights;
  for (double k = 1; k <= exits; ++k) weights.push_back(2 * k / (exits * (exits + 1)));
  return std::make_unique<WeightedRegime>(context, Phase{.name = "depth-weighted"}, std::move(weights));
}

}  // namespace sooner
