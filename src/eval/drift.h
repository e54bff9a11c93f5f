// Do answers in service still look like the samples a calibration was made on? Promises about thresholds assume so.
//
// Compares exit shares, and at each exit the scores of the samples that left there, in the bins of the calibration's
// histograms. The alarm may be asked for after every answer, for as long as the model serves: without drift it is ever
// raised with probability `false_alarm` at most, all comparisons and all looks together. It bets on the rank that each
// answer has among the calibration's and the answers before it (eval/rank_bets.h); every comparison has an equal part
// of the money, and the alarm is raised once all of it has grown to 1 / false_alarm. Assumes that without drift answers
// are exchangeable with the calibration's samples and with each other: a folder answered class by class is not.
//
// Beside it stands Pearson's two-sample chi-square test of all answers so far, for somebody who looks once; looked at
// again and again it raises false alarms far more often than it says (docs/adr/0027-drift.md).
//
// Does not see a change that leaves exits and scores alone (labels that mean something else), or moves scores within a
// bin.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "eval/rank_bets.h"
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
  // For one look: chi-square of bins joined until 5 samples are expected of both sides, its degrees of freedom (0 where
  // fewer than two bins are left) and the probability of so large a statistic without drift.
  double statistic = 0;
  int32_t degrees = 0;
  double p_value = 1;
  // For all looks: the natural logarithm of the most that the bets on this comparison have been worth.
  double log_evidence = 0;
  bool alarm = false;  // drift, and this comparison speaks for it: its own bets have grown to 1 / false_alarm
  // A shift of at least this share of the samples from the lower half of the exits or scores to the upper one, or back,
  // that is there from the first answer on raises the alarm within these answers with probability `power`, by this
  // comparison alone (eval/rank_power.h). 1: none is sure to.
  double detectable = 1;
  // Answers in service, those at other exits too, for a detectable shift of `shift`; nothing where the calibration has
  // too few for any number.
  std::optional<int64_t> needed = {};
};

struct DriftReport {
  int64_t answers = 0;
  std::vector<DriftTest> tests = {};
  std::vector<std::string> left_out = {};  // what the calibration has no samples for
  double log_evidence = 0;                 // the most that all bets together have been worth
  double log_wanted = 0;                   // at which the alarm is raised
  std::optional<int64_t> alarm_at = {};    // the answer that raised it, from 1
  [[nodiscard]] bool drifted() const { return alarm_at.has_value(); }
};

// What a watch knows of the answers it has seen: enough to go on without them.
struct DriftState {
  std::string record = {};  // of which calibration: record_identity
  double false_alarm = 0;   // agreed on before the first answer
  int64_t answers = 0;
  double log_evidence = 0;
  std::optional<int64_t> alarm_at = {};
  std::vector<RankBetsState> comparisons = {};  // exit shares, then scores by exit
  bool operator==(const DriftState&) const = default;
};

// 16 hex digits of all that a watch takes from a record: policy, samples, shares and histograms.
std::string record_identity(const CalibrationRecord& record);

// Scores of the calibration's samples that left at exit k, by bin of its histogram: what the record says of samples
// that reached the exit, cut off at the threshold. Throws kFailedPrecondition for a record whose histogram and shares
// do not fit. REQUIRES: a record with histograms, k < K.
std::vector<int64_t> leaver_histogram(const CalibrationRecord& record, size_t exit);

// Watches answers as they come. One thread at a time.
class DriftWatch {
 public:
  // state: of an earlier watch of the same record, which this one goes on from. Throws kInvalidArgument for options out
  // of range; kFailedPrecondition for a record without histograms, a state of another record, of another false-alarm
  // rate or one that does not fit.
  explicit DriftWatch(CalibrationRecord record, const DriftOptions& options = {}, std::optional<DriftState> state = {});

  // In the order of service. Throws kInvalidArgument for an exit the model does not have or a score that is no finite
  // number.
  void add(const LiveAnswer& answer);

  // Throws kFailedPrecondition before the first answer.
  [[nodiscard]] DriftReport report() const;
  [[nodiscard]] DriftState state() const;

 private:
  struct Comparison {
    std::string what = {};
    RankBets bets;
  };

  void settle();
  [[nodiscard]] DriftTest judge(const Comparison& comparison) const;

  CalibrationRecord record_;
  DriftOptions options_;
  std::vector<Comparison> comparisons_;  // exit shares, then scores by exit
  double betting_ = 0;                   // how many of them have something to rank
  int64_t answers_ = 0;
  double log_evidence_ = 0;
  std::optional<int64_t> alarm_at_;
};

// The report of a watch that saw these answers. Throws the same.
DriftReport detect_drift(const CalibrationRecord& record, std::span<const LiveAnswer> answers,
                         const DriftOptions& options = {});

}  // namespace sooner
