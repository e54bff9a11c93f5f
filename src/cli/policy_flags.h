// Which policy a command runs a model with: the model's own, one it was tuned for, or one spelled out.
#pragma once

#include <CLI/CLI.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "format/model_file.h"

namespace sooner {

// Flags of the settings that policies declare, as they were given: "--ensemble-mean" and its text. Empty texts: not
// given.
using SettingFlags = std::map<std::string, std::string>;
// One flag for every setting of any policy that has one.
void add_setting_options(CLI::App& app, SettingFlags* flags);
// Throws kInvalidArgument for a flag that the policy has no setting for, naming who has, and for a text that is none of
// its values. A setting that changes takes with it what was fitted by another.
void set_settings(PolicySpec& spec, const SettingFlags& flags, int32_t classes);

struct PolicyFlags {
  std::string name;         // what parse_policy takes; empty: the model's default
  std::string calibration;  // of the model's calibrations, by name; empty: none in particular
  std::vector<std::string> thresholds;
  std::vector<std::string> class_thresholds;
  std::vector<double> temperatures;
  SettingFlags settings;
  std::optional<int32_t> cap;
  bool surest_so_far = false;
  bool as_reached = false;
  std::string abstain_below;
  std::optional<double> deadline_seconds;
  std::vector<double> stage_seconds;
};
// --policy and what goes with it.
void add_policy_options(CLI::App& app, PolicyFlags* flags);

// What `option` does asks for no policy, or for no more than `but_for`.
void exclude_policy_options(CLI::App& app, CLI::Option& option, std::string_view but_for = {});

// "entropy | max-prob | ...", for help.
std::string policy_choice();

// What is before the thresholds or parts of a policy as people write it.
std::string policy_name(std::string_view text);

// A policy as people write it: a name; a name with thresholds, one for all early exits or one for each, parted by '/':
// "max-prob=0.9/0.8"; "always=1", its first setting; or any(...) and all(...) around such. A name alone has the
// thresholds the model was tuned to. whole: those, or the policy's own, must be there. Throws as policy_spec does.
PolicySpec parse_policy(const Manifest& manifest, std::string_view text, Precision precision, bool whole);

// Throws kInvalidArgument when the policy needs thresholds that neither the flags nor the model's calibrations give,
// kFailedPrecondition when the calibrations give them for other precisions alone, kNotFound for a calibration that the
// model does not have.
PolicySpec policy_spec(const Manifest& manifest, const PolicyFlags& flags, Precision precision);

// Says what a person must hear before `policy` answers on an engine: that its thresholds were chosen on other weights
// or numbers, that a promise made with them is void (policy/standing.h).
void say_doubt(const Manifest& manifest, const PolicySpec& policy, const Origin& engine);

}  // namespace sooner
