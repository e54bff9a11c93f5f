// How large the mean of a loss may be, from a sample of it: upper bounds that hold with probability 1 - delta, whatever
// the distribution, for independent losses in [0, 1].
//
// Sources: Clopper and Pearson 1934; Bates et al. 2021, "Distribution-free, risk-controlling prediction sets"
// (Hoeffding-Bentkus, section 3.1.2; Waudby-Smith-Ramdas betting, proposition 5).
#pragma once

#include <cstdint>
#include <span>

#include "policy/risk_terms.h"

namespace sooner {

// P(X <= successes) for X binomial. REQUIRES: trials >= 0; 0 <= probability <= 1.
double binomial_cdf(int64_t successes, int64_t trials, double probability);

// The probability of seeing so little loss, or less, if the true mean were `level` or more: at most `delta` means that
// the mean is below `level` with confidence 1 - delta. The bets of kBetting are sized for `delta`, so that its number
// is to be compared with this delta alone.
// losses: [n]. Throws kInvalidArgument for no losses, one outside [0, 1], one that is neither 0 nor 1 for kBinomial, a
// level or delta outside (0, 1).
double risk_p_value(RiskBound bound, std::span<const double> losses, double level, double delta, uint64_t seed = 1);

// The least level whose p-value is at most delta, to 1e-12; 1 where there is none below. Throws the same.
double risk_upper_bound(RiskBound bound, std::span<const double> losses, double delta, uint64_t seed = 1);

// How many losses of 0 it takes to be sure of `level`: with fewer, nothing can be promised. Throws kInvalidArgument for
// a level or delta outside (0, 1).
int64_t risk_samples_needed(RiskBound bound, double level, double delta);

}  // namespace sooner
