// What each exit can do and what it gets to do under a policy, over all samples and class by class: averages hide
// classes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tune/tables/logit_table.h"

namespace sooner {

// C = classes. Figures of a kind of samples that does not occur are NaN.
struct ExitSummary {
  double accuracy = 0;                      // answering every sample
  double share = 0;                         // of the samples, leaves here under the policy
  double accuracy_here = 0;                 // of those that leave here
  std::vector<double> class_accuracy = {};  // [C], answering every sample of the class
  std::vector<double> class_share = {};     // [C], of the class's samples, leaves here
};

// Under the policy, whichever exit answers.
struct PolicySummary {
  std::vector<ExitSummary> exits = {};  // [K]
  double accuracy = 0;
  double cost = 0;                          // mean C_k
  std::vector<double> class_accuracy = {};  // [C]
  std::vector<double> class_cost = {};      // [C], mean C_k, less the heads the policy skipped
  std::vector<int64_t> class_samples = {};  // [C]
};

// Throws what validate throws; kInvalidArgument when `replayed` is not of this table.
PolicySummary summarize(const LogitTable& table, const Replay& replayed);

// Exits that do not earn their keep.
struct StarvationLimits {
  double least_share = 0.02;  // fewer leave there: it starves
  double most_behind = 0.20;  // its accuracy lags the last exit's by more
};
// One line per early exit that starves, naming it and the figures; empty when none does. shares, accuracies: [K].
// Throws kInvalidArgument for different lengths.
std::vector<std::string> starving_exits(const std::vector<double>& shares, const std::vector<double>& accuracies,
                                        const StarvationLimits& limits = {});

}  // namespace sooner
