#include "train/backbone_phase.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace sooner {

int64_t backbone_epochs(const RegimeContext& context, std::string_view regime, double share) {
  if (context.started) return 0;
  if (context.epochs < 2) {
    fail(Code::kInvalidArgument, "[config] {} got {} epoch, expected at least one for each phase", regime,
         context.epochs);
  }
  if (share <= 0 || share >= 1) {
    fail(Code::kInvalidArgument, "[config] {} got {} of the epochs for the backbone, expected between 0 and 1", regime,
         share);
  }
  return std::clamp<int64_t>(std::llround(share * static_cast<double>(context.epochs)), 1, context.epochs - 1);
}

Phase backbone_phase(size_t exits, int64_t epochs) {
  std::vector<bool> last(exits);
  last.back() = true;
  return {.name = "backbone",
          .epochs = epochs,
          .trunks = std::vector<bool>(exits, true),
          .heads = last,
          .own_schedule = true,
          .selects = false};
}

}  // namespace sooner
