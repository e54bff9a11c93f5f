// `patience` of a network that answers with a number (PABEE, Zhou et al. 2020, "BERT Loses Patience"): leaves when the
// answer has settled, |y_k - y_{k-1}| <= tau. The score is minus that difference, in the answer's unit, and -tau the
// threshold. The first exit has no answer before it to agree with, so nobody leaves there.
#include <cmath>
#include <cstring>
#include <limits>

#include "core/error.h"
#include "policy/policy_kind.h"
#include "policy/rules/threshold_policy.h"

namespace sooner {
namespace {

// Zero bytes mean "before the first exit".
struct State {
  int32_t answered;  // 1 once an exit has
  float previous;    // the answer of the exit before
};

class SettlingPolicy final : public ThresholdPolicy {
 public:
  using ThresholdPolicy::ThresholdPolicy;

  [[nodiscard]] size_t state_bytes() const override { return sizeof(State); }

 protected:
  [[nodiscard]] Opinion judge(const ExitObservation& observation, std::span<std::byte> state) const override {
    State now{};
    std::memcpy(&now, state.data(), sizeof(now));
    const float answer = observation.logits[0];
    const double score =
        now.answered == 0 ? kNoScore : -std::abs(static_cast<double>(answer) - static_cast<double>(now.previous));
    now = {1, answer};
    std::memcpy(state.data(), &now, sizeof(now));
    return {score};
  }
};

double score_of_change(double change, int32_t /*classes*/) {
  if (change >= 0) return -change;
  fail(Code::kInvalidArgument, "[policy] 'patience' got {}, expected from 0: by how much answers may still change",
       change);
}

double change_of_score(double score, int32_t /*classes*/) { return std::abs(score); }

std::string text(double score, int32_t /*classes*/) { return fmt::format("changed by <= {:.3g}", std::abs(score)); }

}  // namespace

PolicyKind settling_policy_kind() {
  // No default: how much is little depends on the quantity's unit.
  return {.name = "patience",
          .fits = PolicyFits::kNumbers,
          .unit = {.name = "change", .to_score = score_of_change, .from_score = change_of_score, .text = text},
          .highest_threshold = 0,
          .make = [](const PolicySpec& spec, const PolicyContext& /*context*/) -> std::unique_ptr<const ExitPolicy> {
            return std::make_unique<SettlingPolicy>(spec);
          }};
}

}  // namespace sooner
