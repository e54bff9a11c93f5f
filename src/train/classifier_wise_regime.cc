// The backbone first, then heads alone on the frozen backbone ("IC-only" of Shallow-Deep Networks, ICML 2019).
#include "train/frozen_backbone_regime.h"

namespace sooner {

std::unique_ptr<Regime> make_classifier_wise_regime(const RegimeContext& context) {
  return make_frozen_backbone_regime(context, "classifier-wise", "classifier_wise");
}

}  // namespace sooner
