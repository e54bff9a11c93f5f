// What a policy did to each class.
#pragma once

#include <vector>

#include "eval/class_outcome.h"
#include "format/manifest.h"
#include "measure/evaluate.h"

namespace sooner {

// [classes]. `table` has every exit's logits of the samples evaluated, in the same order. REQUIRES: a network that
// answers with classes.
std::vector<ClassOutcome> class_outcomes(const Manifest& manifest, const Evaluation& evaluation,
                                         const LogitTable& table);

}  // namespace sooner
