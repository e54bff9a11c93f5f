// The backbone first, then heads alone on the frozen backbone ("IC-only" of Shallow-Deep Networks, ICML 2019).
#include "train/frozen_backbone_regime.h"

namespace sooner {

RegimeKind classifier_wise_regime_kind() {
  return {.name = "classifier-wise",
          .summary = "the backbone, then heads alone on it",
          .declare = [](RegimeOptions& options) { declare_backbone_share(options, "classifier_wise"); },
          .make =
              [](const RegimeContext& context) {
                return make_frozen_backbone_regime(context, "classifier-wise", "classifier_wise");
              }};
}

}  // namespace sooner
