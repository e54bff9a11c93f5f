// How honest an exit's probabilities are, and whether they foretell its mistakes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "tune/tables/logit_table.h"

namespace sooner {

// Of p = softmax(z / T), over the samples looked at.
struct CalibrationError {
  int64_t samples = 0;
  double accuracy = 0;  // [0, 1]
  // Expected calibration error (Guo et al. 2017): |accuracy - mean max p| of each bin of max p, weighted by its
  // samples.
  double ece = 0;
  double brier = 0;  // mean of sum_c (p_c - [c is the label])^2, in [0, 2]
  double nll = 0;    // mean of -ln p_label, nats
  // Does the max-prob score rank right answers above wrong ones? Nothing when all are right or all wrong. The number to
  // read for exits: ECE says nothing about ranking.
  std::optional<double> failure_auroc = {};
};

// 15 bins, as usual; bin b holds max p in (b/15, (b+1)/15].
inline constexpr int32_t kCalibrationBins = 15;

// Of one exit answering every sample. Throws kInvalidArgument for a table without samples, an exit it does not have, a
// temperature that is not positive or fewer than 1 bin. REQUIRES: a valid table.
CalibrationError calibration_error(const LogitTable& table, int32_t exit, double temperature = 1,
                                   int32_t bins = kCalibrationBins);

// Of every exit, [K], in one pass over the table. temperatures: [K], or empty for 1. Throws the same.
std::vector<CalibrationError> calibration_errors(const LogitTable& table, std::span<const double> temperatures = {},
                                                 int32_t bins = kCalibrationBins);

// One row of a reliability diagram.
struct ReliabilityBin {
  int64_t samples = 0;
  double mean_probability = 0;  // mean max p
  double accuracy = 0;
};
// [bins], from low to high max p. Throws the same.
std::vector<ReliabilityBin> reliability(const LogitTable& table, int32_t exit, double temperature = 1,
                                        int32_t bins = kCalibrationBins);

}  // namespace sooner
