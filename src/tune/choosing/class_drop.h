// Thresholds by class: an exit may be good at some classes and poor at others, and one threshold for all is paid by the
// poor ones.
#pragma once

#include <vector>

#include "tune/tables/score_table.h"

namespace sooner {

// class_thresholds [K-1][C]. Walking exits in order, of the samples answered with class c that are still there the
// longest run of the surest leaves that loses at most `drop` of its right answers against the last exit, counted in
// samples of the run; equal scores leave together. So no class at no exit pays for another, and over all samples at
// most `drop` is lost. Nobody leaves where a class is never answered. Centred between scores, as `centred` does. Throws
// kInvalidArgument unless 0 <= drop <= 1 and the table has samples. REQUIRES: the table's answers, below classes.
std::vector<std::vector<double>> choose_by_class_drop(const ScoreTable& table, int32_t classes, double drop);

}  // namespace sooner
