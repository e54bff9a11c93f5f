#include "policy_flags.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "command.h"
#include "core/error.h"
#include "core/text.h"
#include "policy/policy_kind.h"
#include "policy/standing.h"
#include "policy/threshold_units.h"

namespace sooner {
namespace {

// As people write it: a probability for policies that score log-odds, a difference for patience of numbers, for
// entropy a score or, as BranchyNet does, "0.3nats"; "inf" and "-inf" for nobody and everybody.
double threshold_value(const std::string& flag, const std::string& policy, const std::string& text, int64_t classes) {
  if (text == "inf") return std::numeric_limits<double>::infinity();
  if (text == "-inf") return -std::numeric_limits<double>::infinity();
  constexpr std::string_view kNats = "nats";
  if (policy == "entropy" && text.ends_with(kNats)) {
    const double nats = parse_number(flag, text.substr(0, text.size() - kNats.size()));
    return entropy_score_from_nats(nats, static_cast<int32_t>(classes));
  }
  const double value = parse_number(flag, text);
  if (policy == "patience" && classes == 1) {
    if (value >= 0) return -value;
    fail(Code::kInvalidArgument, "[policy] {} got {}, expected from 0: by how much answers may still change", flag,
         text);
  }
  return scores_log_odds(policy) ? log_odds_from_probability(value) : value;
}

void set_thresholds(PolicySpec& spec, const std::string& flag, const std::vector<std::string>& texts,
                    const Graph& graph) {
  spec.class_thresholds.clear();
  spec.thresholds.clear();
  for (const std::string& text : texts) {
    for (const std::string& item : split(text, ',')) {
      spec.thresholds.push_back(threshold_value(flag, spec.name, item, graph.classes));
    }
  }
  if (spec.thresholds.size() == 1) spec.thresholds.resize(graph.exits() - 1, spec.thresholds[0]);
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
    if (spec.thresholds.empty() && kind.default_threshold) spec.thresholds.assign(early, *kind.default_threshold);
    for (const double threshold : spec.thresholds) {
      spec.class_thresholds.emplace_back(static_cast<size_t>(manifest.graph.classes), threshold);
    }
  }
  spec.thresholds.clear();
  for (const std::string& flag : flags) {
    const size_t at = flag.rfind('=');
    if (at == std::string::npos) {
      fail(Code::kInvalidArgument, "[policy] got --class-threshold '{}', expected CLASS=THRESHOLD", flag);
    }
    const size_t index = class_index(manifest, flag.substr(0, at));
    const double threshold =
        threshold_value("--class-threshold", spec.name, flag.substr(at + 1), manifest.graph.classes);
    for (std::vector<double>& row : spec.class_thresholds) row[index] = threshold;
  }
}

}  // namespace

std::string policy_choice() { return fmt::format("{}", fmt::join(policy_names(), " | ")); }

void add_policy_options(CLI::App& app, PolicyFlags* flags) {
  app.add_option("--policy", flags->name,
                 policy_choice() +
                     "; any(...) and all(...) take parts: 'any(max-prob=0.9,patience=1)'; default: the "
                     "model's");
  app.add_option(
      "--threshold", flags->thresholds,
      "one for every early exit, parted by commas, or one for all; max-prob and ensemble take probabilities, entropy a "
      "score, 1 - H/ln C, or H itself as 0.3nats, patience of a regression the most that answers may still change; "
      "inf: nobody leaves");
  app.add_option("--class-threshold", flags->class_thresholds,
                 "CLASS=THRESHOLD for samples answered so, by name or number; the others keep the exits' thresholds")
      ->delimiter(',');
  app.add_option("--temperature", flags->temperatures, "softmax temperatures, one per exit")->delimiter(',');
  app.add_option("--ensemble-mean", flags->ensemble_mean, "ensemble: geometric | arithmetic");
  app.add_option(
      "--cost-weight", flags->cost_weight,
      "gate, confidence: how dear arithmetic is, where the gates were trained for a range of it; larger exits "
      "earlier; default: the model's standard one");
  app.add_option("--exit", flags->always_exit, "always: the exit everybody leaves at, from 0");
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
}

void exclude_policy_options(CLI::App& app, CLI::Option& option, std::string_view but_for) {
  for (const char* name :
       {"--policy", "--threshold", "--class-threshold", "--temperature", "--ensemble-mean", "--cost-weight", "--exit",
        "--cap", "--surest-so-far", "--as-reached", "--abstain-below", "--deadline", "--stage-seconds"}) {
    if (name != but_for) option.excludes(app.get_option(name));
  }
}

std::string threshold_argument(std::string_view policy, double threshold, int64_t classes) {
  if (std::isinf(threshold)) return threshold > 0 ? "inf" : "-inf";
  if (policy == "patience" && classes == 1) return fmt::format("{}", -threshold);
  if (!scores_log_odds(policy)) return fmt::format("{}", threshold);
  // 1 would be nobody.
  return fmt::format("{}", std::min(probability_from_log_odds(threshold), std::nextafter(1.0, 0.0)));
}

std::string policy_name(std::string_view text) { return std::string(text.substr(0, text.find_first_of("(="))); }

void set_always_exit(PolicySpec& spec, int32_t exit) {
  if (spec.name != "always") {
    fail(Code::kInvalidArgument, "[policy] '{}' got an exit to leave at, expected none; 'always' has one", spec.name);
  }
  if (exit < 0) fail(Code::kInvalidArgument, "[policy] 'always' got exit {}, expected 0 or more", exit);
  spec.always_exit = exit;
}

PolicySpec parse_policy(const Manifest& manifest, std::string_view text, Precision precision, bool whole) {
  constexpr int64_t kMostParentheses = 64;
  if (const int64_t opened = std::ranges::count(text, '('); opened > kMostParentheses) {
    fail(Code::kInvalidArgument, "[policy] got {} opening parentheses, expected at most {}", opened, kMostParentheses);
  }
  const size_t open = text.find('('), equals = text.find('=');
  if (open < equals) {
    const std::string name(text.substr(0, open));
    if (!policy_kind(name).parts || !text.ends_with(')')) {
      fail(Code::kInvalidArgument, "[policy] got '{}', expected any(...) or all(...) around policies", text);
    }
    PolicySpec spec;
    spec.name = name;
    for (const std::string& part : split_parts(text.substr(open + 1, text.size() - open - 2))) {
      spec.parts.push_back(parse_policy(manifest, part, precision, true));
    }
    return spec;
  }
  const std::string name = policy_name(text);
  const auto classes = static_cast<int32_t>(manifest.graph.classes);
  static_cast<void>(policy_kind(name, classes));
  PolicySpec spec = tuned_policy(manifest, name, precision);
  const size_t early = manifest.graph.exits() - 1;
  if (equals != std::string_view::npos && name == "always") {
    const auto last = static_cast<int64_t>(early);
    set_always_exit(spec, static_cast<int32_t>(parse_integer("--policy always", text.substr(equals + 1), 0, last)));
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
  PolicySpec spec = !flags.name.empty() ? parse_policy(manifest, flags.name, precision, !given)
                    : given             ? manifest.policy
                                        : policy_at(manifest.policy, manifest.calibrations, to_string(precision));
  if (given) set_thresholds(spec, "--threshold", flags.thresholds, manifest.graph);
  if (!flags.class_thresholds.empty()) set_class_thresholds(spec, manifest, flags.class_thresholds);
  if (!flags.temperatures.empty()) spec.temperatures = flags.temperatures;
  if (!flags.ensemble_mean.empty()) {
    if (spec.name != "ensemble") {
      fail(Code::kInvalidArgument, "[policy] '{}' got --ensemble-mean, expected none; 'ensemble' has one", spec.name);
    }
    // Weights belong to the mean that they were fitted for.
    if (flags.ensemble_mean != spec.ensemble.mean) spec.ensemble = {};
    spec.ensemble.mean = flags.ensemble_mean;
  }
  if (flags.always_exit) set_always_exit(spec, *flags.always_exit);
  if (flags.cap) spec.cap = *flags.cap;
  if (flags.surest_so_far || flags.as_reached) spec.surest_so_far = flags.surest_so_far;
  if (!flags.abstain_below.empty()) {
    const std::string scale(abstains_by(spec, static_cast<int32_t>(manifest.graph.classes)));
    spec.abstain_below = threshold_value("--abstain-below", scale, flags.abstain_below, manifest.graph.classes);
  }
  if (flags.cost_weight) spec.cost_weight = flags.cost_weight;
  if (flags.deadline_seconds) spec.deadline_seconds = *flags.deadline_seconds;
  if (std::isfinite(spec.deadline_seconds) && flags.stage_seconds.empty()) {
    fail(Code::kInvalidArgument,
         "[policy] got a deadline without --stage-seconds, expected what each of the {} stages takes; `sooner profile` "
         "measures it",
         manifest.graph.exits());
  }
  if (!flags.stage_seconds.empty() && std::isinf(spec.deadline_seconds)) {
    fail(Code::kInvalidArgument, "[policy] got --stage-seconds, which belongs to --deadline; add it");
  }
  return spec;
}

void say_doubt(const Manifest& manifest, const PolicySpec& policy, const Origin& engine) {
  const std::string doubt = doubt_about(policy, manifest.calibrations, engine);
  if (!doubt.empty()) say("warning: " + doubt);
}

}  // namespace sooner
