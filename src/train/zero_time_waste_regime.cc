// Zero Time Waste (Wołczyk et al., NeurIPS 2021): as classifier-wise, but a head also reads the answer of the exit
// before, normalised, without gradient. The other half of the method, the ensemble of all answers so far, is a policy
// (policy/rules/ensemble_policy.cc), whose weights are fitted when it is tuned (tune/fitting/ensemble_fit.h).
#include "train/frozen_backbone_regime.h"

namespace sooner {

std::unique_ptr<Regime> make_zero_time_waste_regime(const RegimeContext& context) {
  return make_frozen_backbone_regime(context, "zero-time-waste", "zero_time_waste");
}

}  // namespace sooner
