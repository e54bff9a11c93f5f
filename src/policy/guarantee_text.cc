#include "policy/guarantee_text.h"

#include <fmt/format.h>

#include "core/error.h"

namespace sooner {
namespace {

std::string how_sure(const RiskTerms& terms) {
  // Rounded to percent such a promise would be certainty.
  constexpr double kTiny = 1e-6;
  if (!terms.delta) return "in expectation";
  const std::string sure = *terms.delta < kTiny ? fmt::format("with probability 1 - {:.3g}", *terms.delta)
                                                : fmt::format("with probability {:.10g} %", 100 * (1 - *terms.delta));
  if (terms.promises == 1) return sure;
  return fmt::format("{} for all of at most {} promises at once", sure, terms.promises);
}

}  // namespace

std::string guarantee_text(const CalibrationRecord& record) {
  SOONER_ASSERT(record.guarantee && record.rule.risk);
  const RiskGuarantee& guarantee = *record.guarantee;
  const RiskTerms& terms = *record.rule.risk;
  const char* loss =
      terms.loss == RiskLoss::kDiffers ? "differ from the last exit's" : "are wrong where the last exit's are right";
  const std::string shown =
      terms.delta ? fmt::format("{} bound", to_string(terms.bound)) : std::string("conformal risk control");
  std::string text = fmt::format(
      "{}, at most {:.6g} % of the answers {}, assuming the data in service is exchangeable with the calibration data "
      "({}; {:.2f} % of {} samples did, split {})",
      how_sure(terms), 100 * terms.level, loss, shown, 100 * guarantee.risk, guarantee.samples, guarantee.split_hash);
  if (guarantee.unseen == Unseen::kUserWord) {
    text += ", and on the word of whoever calibrated that the network, trained elsewhere, has not learnt these";
  } else if (guarantee.unseen == Unseen::kElsewhere) {
    text += fmt::format(", which are of '{}', not of the data it was trained on", record.origin.data_set);
  }
  if (guarantee.withdrawn > 0) {
    text += fmt::format("; {} on these samples {} taken back before, and nothing shown then may have led to this one",
                        guarantee.withdrawn == 1 ? "one promise" : fmt::format("{} promises", guarantee.withdrawn),
                        guarantee.withdrawn == 1 ? "was" : "were");
  }
  return text;
}

}  // namespace sooner
