// The cheapest thresholds that lose at most so much quality (accuracy; in a regression, the error may rise by so much)
// against sending everybody to the last exit.
//
// Which samples meet an exit depends on all earlier thresholds, so no dynamic programme over counts is exact. Up to two
// early exits are enumerated; beyond, branch and bound over the first exits' cuts with the last two solved exactly, and
// what was not proven is said: the gap. An exit that nobody leaves by is skipped where its head need not be computed
// (ScoreTable::head_cost), which makes dropping it cheaper than its threshold alone: up to four early exits every set
// of dropped ones is searched; of more they are dropped one by one as long as that helps, and the gap is what no choice
// can beat.
//
// The promise is about the table. Samples never seen lose more, the more so the fewer samples and the more exits there
// are to choose on: with two early exits and 2,500 samples expect about half as much again.
#pragma once

#include <cstdint>

#include "tune/tables/score_table.h"

namespace sooner {

struct AccuracyDropOptions {
  // Work allowed to the proof, in samples looked at (well under 0.1 us each); a count, not a clock, so that the choice
  // is the same on every machine. 0: the first good choice, with the gap proven so far.
  int64_t most_steps = 200'000'000;
};

// Thresholds whose quality on the table is at least the last exit's minus `drop`, at the lowest mean cost (of equal
// costs the higher quality), centred between scores. Throws kInvalidArgument unless drop is a number from 0 and the
// table has samples.
ThresholdChoice choose_by_accuracy_drop(const ScoreTable& table, double drop, const AccuracyDropOptions& options = {});

}  // namespace sooner
