// A guarantee as a sentence.
#pragma once

#include <string>

#include "policy/calibration_record.h"

namespace sooner {

// "with probability 95 %, at most 2 % of the answers differ from the last exit's, assuming the data in service is
// exchangeable with the calibration data (…)"; with what the promise rests on beside that: the user's word, say.
// REQUIRES: record.guarantee.
std::string guarantee_text(const CalibrationRecord& record);

}  // namespace sooner
