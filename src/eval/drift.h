// Do answers in service still look like the samples a calibration was made on? Promises about thresholds assume so.
//
// Compares exit shares, and at each exit the scores of the samples that left there, by Pearson's two-sample chi-square
// test; neighbouring bins are joined until 5 samples are expected of both sides. All tests together raise a false alarm
// with probability `false_alarm` at most (Bonferroni), up to the chi-square approximation. Does not see a change that
// leaves exits and scores alone (labels that mean something else).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "policy/calibration_record.h"

namespace sooner {

struct LiveAnswer {
  int32_t exit_index = 0;  // the exit taken
  double score = 0;        // the policy's score there
};

struct DriftOptions {
  double false_alarm = 0.01;  // in (0, 0.5]
  double power = 0.9;         // for saying what would be detected; in (false_alarm, 1)
  double shift = 0.05;        // in (0, 1): how many live samples are needed is said for this one
};

struct DriftTest {
  std::string what = {};   // "exit shares", "scores at exit 0"
  int64_t calibrated = 0;  // samples
  int64_t live = 0;        // samples
  double statistic = 0;    // chi-square
  int32_t degrees = 0;     // of freedom
  double p_value = 1;      // of so large a statistic without drift
  bool alarm = false;      // p_value < false_alarm / number of tests
  // Whatever moves at least this share of the samples to other bins (total variation) is detected with probability
  // `power`: w >= 2 d for Cohen's effect size w, by Cauchy-Schwarz. Up to 1.
  double detectable = 1;
  // Answers in service, those at other exits too, for a detectable shift of `shift`; nothing where the calibration has
  // too few for any number.
  std::optional<int64_t> needed = {};
};

struct DriftReport {
  std::vector<DriftTest> tests = {};
  std::vector<std::string> alike = {};     // what lies all in one bin, calibrated and live: nothing to compare
  std::vector<std::string> left_out = {};  // what had too few samples to be compared
  [[nodiscard]] bool drifted() const;
};

// Scores of the calibration's samples that left at exit k, by bin of its histogram: what the record says of samples
// that reached the exit, cut off at the threshold. Throws kFailedPrecondition for a record whose histogram and shares
// do not fit. REQUIRES: a record with histograms, k < K.
std::vector<int64_t> leaver_histogram(const CalibrationRecord& record, size_t exit);

// Throws kInvalidArgument for options out of range, an exit the model does not have or a score that is no finite
// number; kFailedPrecondition for a record without histograms, or too few answers for any test.
DriftReport detect_drift(const CalibrationRecord& record, std::span<const LiveAnswer> answers,
                         const DriftOptions& options = {});

}  // namespace sooner
