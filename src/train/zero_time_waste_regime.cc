// Zero Time Waste (Wołczyk et al., NeurIPS 2021): as classifier-wise, but a head also reads the answer of the exit
// before, normalised, without gradient. The other half of the method, the ensemble of all answers so far, is a policy
// (policy/rules/ensemble_policy.cc), whose weights are fitted when it is tuned (tune/fitting/ensemble_fit.h).
#include "train/frozen_backbone_regime.h"

namespace sooner {

RegimeKind zero_time_waste_regime_kind() {
  return {.name = "zero-time-waste",
          .summary = "as classifier-wise, heads reading the answer before theirs",
          .cascade = true,
          .numbers = false,
          .declare = [](RegimeOptions& options) { declare_backbone_share(options, "zero_time_waste"); },
          .make =
              [](const RegimeContext& context) {
                return make_frozen_backbone_regime(context, "zero-time-waste", "zero_time_waste");
              }};
}

}  // namespace sooner
