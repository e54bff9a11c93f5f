// Which policy a command runs a model with: the model's own, one it was tuned for, or one spelled out.
#pragma once

#include <CLI/CLI.hpp>

#include <optional>
#include <string>
#include <vector>

#include "format/model_file.h"

namespace sooner {

struct PolicyFlags {
  std::string name;  // empty: the model's default
  std::vector<std::string> thresholds;
  std::vector<double> temperatures;
  int32_t always_exit = -1;
  int32_t cap = -1;
};
// --policy, --threshold, --temperature, --exit, --cap.
void add_policy_options(CLI::App& app, PolicyFlags* flags);

// Throws kInvalidArgument when the policy needs thresholds that neither the flags nor the model's calibrations give,
// kFailedPrecondition when the calibrations give them for other precisions alone.
PolicySpec policy_spec(const Manifest& manifest, const PolicyFlags& flags, Precision precision);

PolicyContext policy_context(const Graph& graph);

}  // namespace sooner
