// Which engine a command runs a model on.
#pragma once

#include <CLI/CLI.hpp>

#include <memory>
#include <string>

#include "runtime/model.h"

namespace sooner {

struct EngineFlags {
  std::string backend = "auto";
  std::string precision = "fp32";
  int32_t batch = 128;
};
// --backend, --precision, --batch.
void add_engine_options(CLI::App& app, EngineFlags* flags);

// `option` brings its own answers: no engine and no data set may be named beside it. After add_engine_options and
// add_data_options.
void exclude_engine_and_data(CLI::App& app, CLI::Option& option);

ModelOptions model_options(const EngineFlags& flags);

}  // namespace sooner
