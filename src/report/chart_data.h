// The numbers behind the charts, as the JSON that report.js reads.
#pragma once

#include <nlohmann/json.hpp>

#include "report/report_data.h"

namespace sooner {

// {"curve": {…}, "anytime": {…}, "shares": {…}, "exit_accuracy": {…}, "training": […]}; unknown numbers are null. A
// member is null when there is nothing to draw.
nlohmann::ordered_json chart_data(const ReportData& data);

}  // namespace sooner
