#include "guarantee_text.h"

#include <fmt/format.h>

namespace sooner {

std::string guarantee_text(const RiskGuarantee& guarantee) {
  // Rounded to percent such a promise would be certainty.
  constexpr double kTiny = 1e-6;
  const std::string how_sure = !(guarantee.delta > 0) ? "in expectation"
                               : guarantee.delta < kTiny
                                   ? fmt::format("with probability 1 - {:.3g}", guarantee.delta)
                                   : fmt::format("with probability {:.10g} %", 100 * (1 - guarantee.delta));
  const char* loss =
      guarantee.loss == "differs" ? "differ from the last exit's" : "are wrong where the last exit's are right";
  return fmt::format(
      "{}, at most {:.6g} % of the answers {}, assuming the data in service is exchangeable with the calibration data "
      "({}; {:.2f} % of {} samples did, split {})",
      how_sure, 100 * guarantee.level, loss,
      guarantee.delta > 0 ? guarantee.bound + " bound" : "conformal risk control", 100 * guarantee.risk,
      guarantee.samples, guarantee.split_hash);
}

}  // namespace sooner
