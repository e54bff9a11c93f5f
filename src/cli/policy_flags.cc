#include "cli/policy_flags.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <variant>

#include "cli/output.h"
#include "core/error.h"
#include "core/text.h"
#include "policy/policy_kind.h"
#include "policy/standing.h"

namespace sooner {
namespace {

void set_thresholds(PolicySpec& spec, const std::string& flag, const std::vector<std::string>& texts,
                    const Graph& graph) {
  const auto classes = static_cast<int32_t>(graph.classes);
  const PolicyKind& kind = policy_kind(spec.name, classes);
  spec.class_thresholds.clear();
  spec.thresholds.clear();
  for (const std::string& text : texts) {
    for (const std::string& item : split(text, ',')) {
      spec.thresholds.push_back(Threshold::score(parse_threshold(flag, item, kind.unit, classes)));
    }
  }
  if (spec.thresholds.size() == 1) spec.thresholds.resize(graph.exits() - 1, spec.thresholds[0]);
}

// What a person wrote for a setting. Throws kInvalidArgument for what is not of its type.
SettingValue setting_from_text(std::string_view place, const PolicySetting& setting, const std::string& text) {
  constexpr int64_t kLargest = std::numeric_limits<int64_t>::max();
  if (std::holds_alternative<std::string>(setting.type())) return text;
  if (std::holds_alternative<int64_t>(setting.type())) return parse_integer(place, text, -kLargest, kLargest);
  if (std::holds_alternative<double>(setting.type())) return parse_number(place, text);
  if (std::holds_alternative<bool>(setting.type())) {
    if (text == "true" || text == "false") return text == "true";
    fail(Code::kInvalidArgument, "[policy] {} got '{}', expected true or false", place, text);
  }
  std::vector<double> numbers;
  for (const std::string& item : split(text, ',')) numbers.push_back(parse_number(place, item));
  return numbers;
}

// Left out where it is the default: the same policy then has one spec.
void set_setting(PolicySpec& spec, const PolicySetting& setting, const SettingValue& value) {
  const SettingValue* old = spec.settings.find(setting.name);
  const bool changes = old != nullptr ? *old != value : !setting.standard || *setting.standard != value;
  if (changes) spec = without_fit(std::move(spec));
  if (setting.standard && value == *setting.standard) {
    spec.settings.erase(setting.name);
  } else {
    spec.settings.set(setting.name, value);
  }
}

// "'ensemble' has one", "'gate' and 'confidence' have one".
std::string who_has(std::string_view flag) {
  std::vector<std::string> names;
  for (const PolicyKind* kind : policy_kinds()) {
    if (std::ranges::find(kind->settings, flag, &PolicySetting::flag) == kind->settings.end()) continue;
    names.push_back(fmt::format("'{}'", kind->name));
  }
  return fmt::format("{} {} one", fmt::join(names, " and "), names.size() == 1 ? "has" : "have");
}

// The policy a model was tuned for under this name, at this precision if it can be; else a bare one.
PolicySpec tuned_policy(const Manifest& manifest, const std::string& name, Precision precision) {
  const std::vector<CalibrationRecord>& records = manifest.calibrations;
  const auto tuned = std::find_if(records.rbegin(), records.rend(), [&](const CalibrationRecord& record) {
    return record.policy.name == name && record.origin.precision == to_string(precision);
  });
  if (tuned != records.rend()) return tuned->policy;
  const auto elsewhere = std::find_if(records.rbegin(), records.rend(),
                                      [&](const CalibrationRecord& record) { return record.policy.name == name; });
  if (elsewhere != records.rend()) return elsewhere->policy;
  PolicySpec bare;
  bare.name = name;
  return bare;
}

// Parts of "a,b(c,d),e" between commas outside parentheses.
std::vector<std::string> split_parts(std::string_view text) {
  std::vector<std::string> parts(1);
  int depth = 0;
  for (const char letter : text) {
    depth += letter == '(' ? 1 : letter == ')' ? -1 : 0;
    if (letter == ',' && depth == 0) {
      parts.emplace_back();
    } else if (letter != ' ') {
      parts.back() += letter;
    }
  }
  return parts;
}

// The class a person means by its name or number.
size_t class_index(const Manifest& manifest, const std::string& text) {
  const auto found = std::ranges::find(manifest.class_names, text);
  if (found != manifest.class_names.end()) return static_cast<size_t>(found - manifest.class_names.begin());
  if (!text.empty() && text.find_first_not_of("0123456789") == std::string::npos) {
    return static_cast<size_t>(parse_integer("--class-threshold", text, 0, manifest.graph.classes - 1));
  }
  fail(Code::kInvalidArgument, "[policy] got unknown class '{}'; {}", text, suggest(text, manifest.class_names));
}

// flag: "ship=0.9". Every class without one keeps the exits' thresholds.
void set_class_thresholds(PolicySpec& spec, const Manifest& manifest, const std::vector<std::string>& flags) {
  const size_t early = manifest.graph.exits() - 1;
  require_classes(manifest.quantity, "policy", "--class-threshold");
  const PolicyKind& kind = policy_kind(spec.name);
  if (!kind.thresholds) {
    fail(Code::kInvalidArgument, "[policy] '{}' got --class-threshold, expected none: it has no thresholds", spec.name);
  }
  if (spec.class_thresholds.empty()) {
    if (spec.thresholds.empty() && kind.default_threshold) {
      spec.thresholds.assign(early, Threshold::score(*kind.default_threshold));
    }
    for (const Threshold& threshold : spec.thresholds) {
      spec.class_thresholds.emplace_back(static_cast<size_t>(manifest.graph.classes), threshold);
    }
  }
  spec.thresholds.clear();
  std::set<size_t> told;
  for (const std::string& flag : flags) {
    const size_t at = flag.rfind('=');
    if (at == std::string::npos) {
      fail(Code::kInvalidArgument, "[policy] got --class-threshold '{}', expected CLASS=THRESHOLD", flag);
    }
    const size_t index = class_index(manifest, flag.substr(0, at));
    if (!told.insert(index).second) {
      fail(Code::kInvalidArgument, "[policy] got --class-threshold twice for '{}', expected one for a class",
           manifest.class_names[index]);
    }
    const Threshold threshold = Threshold::score(parse_threshold("--class-threshold", flag.substr(at + 1), kind.unit,
                                                                 static_cast<int32_t>(manifest.graph.classes)));
    for (std::vector<Threshold>& row : spec.class_thresholds) row[index] = threshold;
  }
}

}  // namespace

std::string policy_choice() { return fmt::format("{}", fmt::join(policy_names(), " | ")); }

void add_setting_options(CLI::App& app, SettingFlags* flags) {
  for (const PolicyKind* kind : policy_kinds()) {
    for (const PolicySetting& setting : kind->settings) {
      // Policies may share one.
      if (setting.flag.empty() || flags->contains(setting.flag)) continue;
      app.add_option(setting.flag, (*flags)[setting.flag], setting.help);
    }
  }
}

void set_settings(PolicySpec& spec, const SettingFlags& flags, int32_t classes) {
  const PolicyKind& kind = policy_kind(spec.name, classes);
  for (const auto& [flag, text] : flags) {
    if (text.empty()) continue;
    const auto setting = std::ranges::find(kind.settings, flag, &PolicySetting::flag);
    if (setting == kind.settings.end()) {
      fail(Code::kInvalidArgument, "[policy] '{}' got {}, expected none; {}", spec.name, flag, who_has(flag));
    }
    set_setting(spec, *setting, setting_from_text(flag, *setting, text));
  }
}

void add_policy_options(CLI::App& app, PolicyFlags* flags) {
  app.add_option("--policy", flags->name,
                 policy_choice() +
                     "; any(...) and all(...) take parts: 'any(max-prob=0.9,patience=1)'; default: the "
                     "model's");
  CLI::Option* calibration =
      app.add_option("--calibration", flags->calibration,
                     "as this calibration of the model chose, by the name that `sooner describe` shows");
  app.add_option(
      "--threshold", flags->thresholds,
      "one for every early exit, parted by commas, or one for all, in the unit that `sooner describe` shows: max-prob, "
      "ensemble and learned take probabilities (near 1 as 1-2e-9), entropy nats by name (0.3nats), patience of a "
      "regression the most that answers may still change; 2.2score: the policy's own score; inf: nobody leaves");
  app.add_option("--class-threshold", flags->class_thresholds,
                 "CLASS=THRESHOLD for samples answered so, by name or number; the others keep the exits' thresholds")
      ->delimiter(',');
  app.add_option("--temperature", flags->temperatures, "softmax temperatures, one per exit")->delimiter(',');
  add_setting_options(app, &flags->settings);
  app.add_option("--cap", flags->cap, "nobody goes beyond this exit; -1: no cap");
  CLI::Option* surest = app.add_flag(
      "--surest-so-far", flags->surest_so_far,
      "who is not let go before the last exit, the cap or the deadline is answered by the surest exit so far");
  app.add_flag("--as-reached", flags->as_reached, "by the one reached, whatever the model says")->excludes(surest);
  app.add_option("--abstain-below", flags->abstain_below,
                 "at the last exit, who scores less is answered \"do not know\"; in the unit of --threshold, a "
                 "probability where the policy gives the last exit no score");
  app.add_option("--deadline", flags->deadline_seconds,
                 "seconds: who could not finish the next stage by then stops; needs --stage-seconds, by which alone a "
                 "--table's samples are timed, as if each ran alone");
  app.add_option("--stage-seconds", flags->stage_seconds,
                 "what each stage and its head take for a micro-batch on this machine, one per stage")
      ->delimiter(',');
  for (const char* chosen : {"--policy", "--threshold", "--class-threshold", "--temperature"}) {
    calibration->excludes(app.get_option(chosen));
  }
}

void exclude_policy_options(CLI::App& app, CLI::Option& option, std::string_view but_for) {
  std::vector<std::string> names = {"--policy",        "--calibration", "--threshold",     "--class-threshold",
                                    "--temperature",   "--cap",         "--surest-so-far", "--as-reached",
                                    "--abstain-below", "--deadline",    "--stage-seconds"};
  for (const PolicyKind* kind : policy_kinds()) {
    for (const PolicySetting& setting : kind->settings) {
      if (!setting.flag.empty()) names.push_back(setting.flag);
    }
  }
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  for (const std::string& name : names) {
    if (name != but_for) option.excludes(app.get_option(name));
  }
}

std::string policy_name(std::string_view text) { return std::string(text.substr(0, text.find_first_of("(="))); }

PolicySpec parse_policy(const Manifest& manifest, std::string_view text, Precision precision, bool whole) {
  constexpr int64_t kMostParentheses = 64;
  if (const int64_t opened = std::ranges::count(text, '('); opened > kMostParentheses) {
    fail(Code::kInvalidArgument, "[policy] got {} opening parentheses, expected at most {}", opened, kMostParentheses);
  }
  const size_t open = text.find('('), equals = text.find('=');
  if (open < equals) {
    const std::string name(text.substr(0, open));
    if (policy_kind(name).joins_parts.empty() || !text.ends_with(')')) {
      fail(Code::kInvalidArgument, "[policy] got '{}', expected any(...) or all(...) around policies", text);
    }
    PolicySpec spec;
    spec.name = name;
    for (const std::string& part : split_parts(text.substr(open + 1, text.size() - open - 2))) {
      spec.parts.push_back(parse_policy(manifest, part, precision, true));
      spec.parts.back().wrappers = {};  // of a tuning alone; those of the whole stand around it
    }
    return spec;
  }
  const std::string name = policy_name(text);
  const auto classes = static_cast<int32_t>(manifest.graph.classes);
  const PolicyKind& kind = policy_kind(name, classes);
  PolicySpec spec = tuned_policy(manifest, name, precision);
  const size_t early = manifest.graph.exits() - 1;
  if (equals != std::string_view::npos && !kind.thresholds && !kind.settings.empty()) {
    const PolicySetting& first = kind.settings.front();
    const std::string place = fmt::format("--policy {}", name);
    set_setting(spec, first, setting_from_text(place, first, std::string(text.substr(equals + 1))));
    return spec;
  }
  if (equals != std::string_view::npos) {
    set_thresholds(spec, "--policy", split(text.substr(equals + 1), '/'), manifest.graph);
    return spec;
  }
  if (!whole) return spec;
  const bool lacks = has_thresholds(name) && spec.thresholds.empty() && spec.class_thresholds.empty();
  if (lacks && !has_own_rule(name, classes) && early > 0) {
    fail(Code::kInvalidArgument, "[policy] '{}' has no thresholds in this model; run `sooner tune` or give --threshold",
         name);
  }
  return policy_at(spec, manifest.calibrations, to_string(precision));
}

PolicySpec policy_spec(const Manifest& manifest, const PolicyFlags& flags, Precision precision) {
  const bool given = !flags.thresholds.empty();
  PolicySpec spec = !flags.calibration.empty()
                        ? find_record(manifest.calibrations, flags.calibration, to_string(precision)).policy
                    : !flags.name.empty() ? parse_policy(manifest, flags.name, precision, !given)
                    : given               ? manifest.policy
                                          : policy_at(manifest.policy, manifest.calibrations, to_string(precision));
  if (given) set_thresholds(spec, "--threshold", flags.thresholds, manifest.graph);
  if (!flags.class_thresholds.empty()) set_class_thresholds(spec, manifest, flags.class_thresholds);
  if (!flags.temperatures.empty()) spec.temperatures = flags.temperatures;
  set_settings(spec, flags.settings, static_cast<int32_t>(manifest.graph.classes));
  PolicyWrappers& around = spec.wrappers;
  if (flags.cap) around.cap = *flags.cap;
  if (flags.surest_so_far || flags.as_reached) around.surest_so_far = flags.surest_so_far;
  if (!flags.abstain_below.empty()) {
    const auto classes = static_cast<int32_t>(manifest.graph.classes);
    around.abstain_below = Threshold::score(
        parse_threshold("--abstain-below", flags.abstain_below, abstains_by(spec, classes).unit, classes));
  }
  if (flags.deadline_seconds) around.deadline_seconds = *flags.deadline_seconds;
  if (std::isfinite(around.deadline_seconds) && flags.stage_seconds.empty()) {
    fail(Code::kInvalidArgument,
         "[policy] got a deadline without --stage-seconds, expected what each of the {} stages takes; `sooner profile` "
         "measures it",
         manifest.graph.exits());
  }
  if (!flags.stage_seconds.empty() && std::isinf(around.deadline_seconds)) {
    fail(Code::kInvalidArgument, "[policy] got --stage-seconds, which belongs to --deadline; add it");
  }
  return spec;
}

void say_doubt(const Manifest& manifest, const PolicySpec& policy, const Origin& engine) {
  const std::string doubt = doubt_about(policy, manifest.calibrations, engine);
  if (!doubt.empty()) say("warning: " + doubt);
}

}  // namespace sooner
