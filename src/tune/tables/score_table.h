// A policy's scores and what every exit's answer is worth, for a list of samples: all that choosing thresholds needs.
// Extracted from a LogitTable in one pass; 12 bytes per sample and exit instead of 4 C.
//
// Holds for policies whose score at an exit does not depend on the thresholds of earlier exits, as all of ours.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tune/tables/logit_table.h"

namespace sooner {

struct ScoreTable {
  int64_t samples = 0;  // N
  int32_t exits = 0;    // K
  // [K][N], larger is surer; never NaN at an early exit; kNoScore: the sample cannot leave there.
  std::vector<std::vector<float>> scores = {};
  std::vector<std::vector<float>> quality = {};  // [K][N], of the policy's answer at the exit, as LogitTable::quality
  std::vector<double> exit_cost = {};            // [K], C_k
  // [K]: what is not paid of C_{k+1}, … where threshold k is +inf: head k, or 0 where something else reads it. Empty:
  // nothing.
  std::vector<double> head_cost = {};
  std::vector<std::vector<int32_t>> answers = {};  // [K][N], the policy's answer there; empty: nobody asks
};

// The scores `spec` gives, its thresholds, cap, deadline and abstention put aside. Throws what validate(LogitTable) and
// make_policy throw, and kInvalidArgument for a policy without thresholds.
ScoreTable score_table(const LogitTable& table, const PolicySpec& spec);

// What thresholds do on a score table.
struct Outcome {
  double quality = 0;               // mean
  double cost = 0;                  // mean C_k, less the heads that are skipped
  std::vector<double> shares = {};  // [K]
};
// thresholds: [K-1]; the same decisions as ThresholdPolicy, so equal to a replay. REQUIRES: sizes fit.
Outcome outcome(const ScoreTable& table, std::span<const double> thresholds);

// What leaving at each exit costs under these thresholds, [K].
std::vector<double> cost_of_exits(const ScoreTable& table, std::span<const double> thresholds);

// Whether a sample with this score leaves.
[[nodiscard]] bool leaves(float score, double threshold);
// Exits from the first by which somebody may leave on to the last, at least 1: the first ones may score nobody.
int32_t open_exits(const ScoreTable& table);

// The exit each sample leaves at, [N].
std::vector<int32_t> exits_taken(const ScoreTable& table, std::span<const double> thresholds);

// Thresholds with the very same outcome on the table, moved to the middle of the gap between the least sure sample
// that leaves and the surest that stays, so that rounding elsewhere flips as few decisions as can be. Where nobody
// leaves (or arrives) +inf; where nobody stays the least sure score seen: less sure samples of the future go on.
std::vector<double> centred(const ScoreTable& table, std::span<const double> thresholds);

// A choice of thresholds, whoever made it.
struct ThresholdChoice {
  std::vector<double> thresholds = {};  // [K-1]
  Outcome expected = {};                // on the table they were chosen on
  double optimality_gap = 0;            // mean cost fraction that a better choice could still save; 0 is proven best
};

}  // namespace sooner
