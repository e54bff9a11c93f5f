// What a report draws of a run: the numbers its trainer wrote down.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "report/report_data.h"

namespace sooner {

// Training curves from <run>/metrics.jsonl, empty when there is none. A line that is no record of an epoch ends the
// reading (a run may have been cut short there).
std::vector<ReportSeries> training_series(const std::filesystem::path& run_or_model);

}  // namespace sooner
