// Writes a report as one HTML file that opens anywhere: styles, scripts, charts (Chart.js) and pictures are inside, and
// it asks the network for nothing. Light and dark, printable; every chart has its numbers in a table beside it.
//
// Measures nothing and reads no model.
#pragma once

#include <filesystem>
#include <string>

#include "report/report_data.h"

namespace sooner {

// The whole page. Throws kInvalidArgument, naming the field, when lists that go together differ in length or a picture
// is no PNG.
std::string html_report(const ReportData& data);

// Atomic (core/file.h), and throws what it throws.
void write_html_report(const ReportData& data, const std::filesystem::path& path);

}  // namespace sooner
