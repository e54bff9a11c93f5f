// The network with its exits as inline SVG: stages from left to right, an exit above each, arrows as thick as the share
// of samples that pass.
#pragma once

#include <string>

#include "report/report_data.h"

namespace sooner {

// Empty when the model has no stages. Colours come from the page's style (report.css).
std::string network_svg(const ReportModel& model);

// 0 for the first exit, 1 for the last: the place of its colour.
double exit_tint(size_t exit_index, size_t exits);

}  // namespace sooner
