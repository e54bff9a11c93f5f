// Which operations of ONNX are read, for whoever shows a list or names the nearest. Knows no ONNX.
#pragma once

#include <string>
#include <vector>

namespace sooner {

// Names in alphabetical order.
std::vector<std::string> imported_operations();

}  // namespace sooner
