// Which data a command runs a model on.
#pragma once

#include <CLI/CLI.hpp>

#include "measure/model_data.h"

namespace sooner {

// --data, --data-dir, --other-data.
void add_data_options(CLI::App& app, DataChoice* choice);

}  // namespace sooner
