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
#include <vector>

#include "policy/risk_terms.h"
#include "tune/risk/threshold_family.h"
#include "tune/tables/logit_table.h"

namespace sooner {

// What leaving at each exit costs each sample, 0 or 1, by the answers of the table's policy.
ExitLosses exit_losses(const ScoreTable& table, RiskLoss loss);

// Throws kInvalidArgument for a level or delta out of range.
void check_risk_terms(const RiskTerms& terms);

// How many samples it takes to promise the level when no loss is seen: 1/level - 1 in expectation, risk_samples_needed
// otherwise. Throws what check_risk_terms throws.
int64_t risk_samples_needed(const RiskTerms& terms);

// Throws kFailedPrecondition for fewer samples than that, saying how many are needed.
void check_risk_samples(const RiskTerms& terms, int64_t samples);

// The largest mean of a 0/1 loss on `samples` samples that still passes, 0 where none does: what a family should aim
// at. Throws what check_risk_terms throws. REQUIRES: samples > 0.
double largest_passing_risk(const RiskTerms& terms, int64_t samples);

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
// Throws kInvalidArgument for bad terms, losses outside [0, 1] or not fit for the bound, tables of another shape;
// kFailedPrecondition for too few samples, saying how many are needed.
RiskChoice control_risk(const ThresholdFamily& family, const ScoreTable& table, const ExitLosses& losses,
                        const RiskTerms& terms);

}  // namespace sooner
