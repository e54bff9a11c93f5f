// How well the score that a policy decides by tells right answers from wrong ones, exit by exit: a policy can gain by
// no thresholds what its score does not know.
#pragma once

#include <optional>
#include <vector>

#include "tune/tables/logit_table.h"

namespace sooner {

// [K], of all samples at every exit, whoever would have left before: the AUROC (eval/auroc.h) of the policy's score for
// its answer being right. Nothing at an exit whose score says nothing (the last one of gates), where all are right or
// all wrong, and for policies without thresholds. Throws what score_table throws. REQUIRES: a table of classes.
std::vector<std::optional<double>> score_aurocs(const LogitTable& table, const PolicySpec& policy);

}  // namespace sooner
