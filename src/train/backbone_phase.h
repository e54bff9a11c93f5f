// The phase that regimes share which train the backbone first: everything but the early heads.
#pragma once

#include "train/regime.h"

namespace sooner {

// Its epochs by `share` of all, at least one left on either side; 0 where the backbone comes trained. Throws
// kInvalidArgument, naming the regime, for fewer than two epochs or a share that is not within (0, 1).
int64_t backbone_epochs(const RegimeContext& context, std::string_view regime, double share);

// Of `epochs`, with a schedule of its own; never the best one.
Phase backbone_phase(size_t exits, int64_t epochs);

}  // namespace sooner
