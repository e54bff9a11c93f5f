// What becomes of a calibration record once its thresholds are chosen: it says whose logits they belong to, and takes
// its place among a model's.
#pragma once

#include <vector>

#include "policy/calibration_record.h"
#include "tune/tables/logit_table_file.h"

namespace sooner {

// Data set, split, precision and engine of the table it was chosen on.
void set_origin(CalibrationRecord& record, const TableOrigin& origin);

// Behind the others. Those that come of the same policy and rule at the same precision go: a model has one of each.
void store_record(CalibrationRecord record, std::vector<CalibrationRecord>& records);

}  // namespace sooner
