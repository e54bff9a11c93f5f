// The backbone first, then heads alone on it: what classifier-wise and zero-time-waste share.
#pragma once

#include <memory>

#include "train/regime.h"

namespace sooner {

// Option "<section>.backbone" is the share of the epochs that train the backbone. Throws what backbone_epochs throws.
std::unique_ptr<Regime> make_frozen_backbone_regime(const RegimeContext& context, std::string_view regime,
                                                    std::string_view section);

}  // namespace sooner
