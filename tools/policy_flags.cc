#include "policy_flags.h"

#include <algorithm>
#include <limits>

#include "core/error.h"
#include "core/text.h"
#include "policy/threshold_units.h"

namespace sooner {
namespace {

// As people write it: a probability for max-prob, "inf" and "-inf" for nobody and everybody.
double threshold_value(const std::string& policy, const std::string& text) {
  if (text == "inf") return std::numeric_limits<double>::infinity();
  if (text == "-inf") return -std::numeric_limits<double>::infinity();
  const double value = parse_number("--threshold", text);
  return policy == "max-prob" ? log_odds_from_probability(value) : value;
}

}  // namespace

void add_policy_options(CLI::App& app, PolicyFlags* flags) {
  app.add_option("--policy", flags->name,
                 "entropy | max-prob | margin | gate | confidence | always | never; default: the model's");
  app.add_option("--threshold", flags->thresholds,
                 "one for every early exit, or one for all; max-prob takes probabilities; inf: nobody leaves")
      ->delimiter(',');
  app.add_option("--temperature", flags->temperatures, "softmax temperatures, one per exit")->delimiter(',');
  app.add_option("--exit", flags->always_exit, "always: the exit everybody leaves at, from 0");
  app.add_option("--cap", flags->cap, "nobody goes beyond this exit; -1: no cap")->capture_default_str();
}

PolicySpec policy_spec(const Manifest& manifest, const PolicyFlags& flags, Precision precision) {
  PolicySpec spec = manifest.policy;
  const size_t early = manifest.graph.exits() - 1;
  if (!flags.name.empty()) {
    const auto tuned = std::find_if(
        manifest.calibrations.rbegin(), manifest.calibrations.rend(), [&](const CalibrationRecord& record) {
          return record.policy.name == flags.name && record.precision == to_string(precision);
        });
    const auto elsewhere =
        std::find_if(manifest.calibrations.rbegin(), manifest.calibrations.rend(),
                     [&](const CalibrationRecord& record) { return record.policy.name == flags.name; });
    if (tuned != manifest.calibrations.rend()) {
      spec = tuned->policy;
    } else if (elsewhere != manifest.calibrations.rend()) {
      spec = elsewhere->policy;
    } else {
      spec = {};
      spec.name = flags.name;
      const bool has_default = flags.name == "gate" || flags.name == "confidence" || !has_thresholds(flags.name);
      if (!has_default && flags.thresholds.empty() && early > 0) {
        fail(Code::kInvalidArgument,
             "[policy] '{}' has no thresholds in this model; run `sooner tune` or give --threshold", flags.name);
      }
    }
  }
  if (flags.thresholds.empty()) spec = policy_at(spec, manifest.calibrations, to_string(precision));
  if (!flags.thresholds.empty()) {
    spec.thresholds.clear();
    for (const std::string& text : flags.thresholds) spec.thresholds.push_back(threshold_value(spec.name, text));
    if (spec.thresholds.size() == 1) spec.thresholds.resize(early, spec.thresholds[0]);
  }
  if (!flags.temperatures.empty()) spec.temperatures = flags.temperatures;
  if (flags.always_exit >= 0) spec.always_exit = flags.always_exit;
  if (flags.cap >= 0) spec.cap = flags.cap;
  return spec;
}

PolicyContext policy_context(const Graph& graph) {
  PolicyContext context;
  context.exits = static_cast<int32_t>(graph.exits());
  context.classes = static_cast<int32_t>(graph.classes);
  context.has_gates = graph.exits() > 1;
  for (size_t k = 0; k + 1 < graph.exits(); ++k) context.has_gates = context.has_gates && graph.stages[k].exit.gate;
  return context;
}

}  // namespace sooner
