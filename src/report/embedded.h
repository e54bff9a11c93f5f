// Files compiled into the program (see CMakeLists.txt): what every report page holds.
#pragma once

#include <string_view>

namespace sooner::embedded {

std::string_view chart_min_js();  // Chart.js 3, MIT licence, its notice at the top
std::string_view report_js();
std::string_view report_css();

}  // namespace sooner::embedded
