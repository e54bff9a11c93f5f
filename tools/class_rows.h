// What a policy does to each class: averages hide it.
#pragma once

#include <vector>

#include "format/model_file.h"
#include "measure/evaluate.h"
#include "report/report_data.h"

namespace sooner {

// [classes]. `table` has every exit's logits of the samples evaluated, in the same order. REQUIRES: a network that
// answers with classes.
std::vector<ReportClass> class_rows(const Manifest& manifest, const Evaluation& evaluation, const LogitTable& table);

}  // namespace sooner
