// Thresholds with a guarantee: of a family of thresholds made beforehand, the cheapest whose risk (mean loss) is shown
// to be at most a level by samples that the family has never seen.
//
// In expectation: conformal risk control (Angelopoulos et al. 2022). With probability 1 - delta: Learn then Test
// (Angelopoulos et al. 2021) by fixed-sequence testing. For exit thresholds: Jazbec et al. 2024, "Fast yet Safe".
// Both assume samples exchangeable with those that come later; a split drawn by class meets that up to its shares.
//
// Knows nothing of models, files or splits.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "tune/risk/risk_bounds.h"
#include "tune/risk/threshold_family.h"
#include "tune/tables/logit_table.h"

namespace sooner {

enum class RiskLoss : uint8_t {
  kDiffers,      // 1 where the answer is not the last exit's; looks at no label
  kAccuracyGap,  // 1 where the answer is wrong and the last exit's is right: 1[wrong here] - 1[wrong there], at least 0
};
// "differs", "accuracy-gap".
std::string_view to_string(RiskLoss loss);
// Throws kInvalidArgument for another word, naming the nearest.
RiskLoss risk_loss_from_string(std::string_view text);

// What leaving at each exit costs each sample, 0 or 1, by the answers of the table's policy.
ExitLosses exit_losses(const ScoreTable& table, RiskLoss loss);

struct RiskOptions {
  double level = 0.02;                     // largest risk, in (0, 1)
  std::optional<double> delta = {};        // in (0, 1): how often the promise may fail; none: it holds in expectation
  RiskBound bound = RiskBound::kBinomial;  // with delta alone
  uint64_t seed = 1;                       // of the order in which kBetting reads the samples
};
// Throws kInvalidArgument for a level or delta out of range.
void check_risk_options(const RiskOptions& options);

// How many samples it takes to promise the level when no loss is seen: 1/level - 1 in expectation, risk_samples_needed
// otherwise. Throws what check_risk_options throws.
int64_t risk_samples_needed(const RiskOptions& options);

// Throws kFailedPrecondition for fewer samples than that, saying how many are needed.
void check_risk_samples(const RiskOptions& options, int64_t samples);

// The largest mean of a 0/1 loss on `samples` samples that still passes, 0 where none does: what a family should aim
// at. Throws what check_risk_options throws. REQUIRES: samples > 0.
double largest_passing_risk(const RiskOptions& options, int64_t samples);

struct RiskChoice {
  size_t point = 0;                     // of the family
  std::vector<double> thresholds = {};  // [K-1]
  int64_t samples = 0;                  // n
  double risk = 0;                      // empirical, of these thresholds
  // At most the level: n/(n+1) of the mean running supremum plus 1/(n+1), or the upper confidence bound.
  double bound = 0;
  Outcome outcome = {};  // on the samples that the promise rests on
  double saved = 0;      // of the last exit's cost, a fraction
};

// Walks the family from its safest point and stops at the last one that passes.
// In expectation (B = 1): n/(n+1) Rhat + 1/(n+1) <= level, where a sample's loss is its largest so far on the way (a
// later exit may be wrong where an earlier one was right, so the loss itself is not monotone). With delta: every point
// up to the chosen one has risk_p_value <= delta.
// Throws kInvalidArgument for bad options, losses outside [0, 1] or not fit for the bound, tables of another shape;
// kFailedPrecondition for too few samples, saying how many are needed.
RiskChoice control_risk(const ThresholdFamily& family, const ScoreTable& table, const ExitLosses& losses,
                        const RiskOptions& options);

}  // namespace sooner
