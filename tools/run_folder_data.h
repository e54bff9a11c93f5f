// What a report takes from a run: its model, and the numbers its trainer wrote down.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "report/report_data.h"

namespace sooner {

// The model of a run folder, or the path itself when it names a file. Throws kNotFound.
std::filesystem::path model_path(const std::filesystem::path& run_or_model);

// Training curves from <run>/metrics.jsonl, empty when there is none. A line that is no record of an epoch ends the
// reading (a run may have been cut short there).
std::vector<ReportSeries> training_series(const std::filesystem::path& run_or_model);

}  // namespace sooner
