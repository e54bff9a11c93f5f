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

ModelOptions model_options(const EngineFlags& flags);

}  // namespace sooner
