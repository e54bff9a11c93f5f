// One row of the policy table: what a policy is called, what may be set, how its thresholds are told, and how it is
// made. Each policy defines its row in its own file; policy_registry.cc lists the library's, and a program adds its own
// with register_policy. Command lines, files, tuning and messages ask the row and know no policy by its name.
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/exit_policy.h"
#include "policy/labelled_logits.h"
#include "policy/threshold_units.h"

namespace sooner {

// A setting that a policy declares. Its type is that of `standard`, or of `sample` where it has no default.
struct PolicySetting {
  std::string name;                           // in files and specs: "mean"
  std::string flag = {};                      // on command lines: "--ensemble-mean"; empty: not set by people
  std::string help = {};                      // of the flag, one line, unit and default in it
  std::optional<SettingValue> standard = {};  // nothing: it may be left out, and the policy sees that
  SettingValue sample = {};                   // where there is no default: a value of the type
  std::vector<std::string> choices = {};      // of a text: all there are; empty: any
  double low = -std::numeric_limits<double>::infinity();  // of each number in it
  double high = std::numeric_limits<double>::infinity();
  // Found by the row's `fit`: put aside when the policy is chosen anew, never asked of people.
  bool fitted = false;
  [[nodiscard]] const SettingValue& type() const { return standard ? *standard : sample; }
};

// What is known of an early exit before anybody comes there.
struct FixedExit {
  bool leaves = false;  // everybody; false: nobody
  bool asked = true;    // false: its head is skipped, or nobody arrives
};

// The networks a row is for.
enum class PolicyFits : uint8_t { kClasses, kNumbers, kBoth };

struct PolicyKind {
  std::string name;
  PolicyFits fits = PolicyFits::kClasses;
  bool thresholds = true;  // K-1 of them; tuning chooses them
  ThresholdUnit unit = {};
  bool probabilities = false;    // scores softmax(logits / temperature): worth fitting temperatures for
  bool gates = false;            // needs a gate at every early exit
  bool scores_last_exit = true;  // its score there says something: it abstains by that, not by max-prob's
  std::string joins_parts = {};  // made of other policies, and the word between them: "or"; empty: not
  std::optional<double> default_threshold = {};  // a score, used at every exit when the spec names none
  // Finite scores that thresholds lie within, where the score has bounds that are worth holding people to.
  double lowest_threshold = -std::numeric_limits<double>::infinity();
  double highest_threshold = std::numeric_limits<double>::infinity();
  bool counts_exits = false;                 // its score is a number of exits: at most K - 2 at an early one
  std::vector<PolicySetting> settings = {};  // in the order of files and help
  // Thresholds that a grid tries at every exit, in the unit, surest first; empty: quantiles of the scores.
  std::vector<double> grid = {};
  // Who leaves whatever the answers; null: it depends on them.
  FixedExit (*fixed)(const PolicySpec& spec, int32_t exit) = nullptr;
  // What its settings say behind its name in a description ("(1)", ", weighted"); null: ", name value" at the end, of
  // those that people gave.
  std::string (*said)(const PolicySpec& spec) = nullptr;
  // Throws kInvalidArgument for settings that do not fit each other or the network. Names, types and ranges are checked
  // before, and defaults filled in.
  std::function<void(const PolicySpec& spec, const PolicyContext& context)> check = nullptr;
  // REQUIRES: a spec that was checked, with thresholds as scores, temperatures and defaults filled in.
  std::function<std::unique_ptr<const ExitPolicy>(const PolicySpec& spec, const PolicyContext& context)> make = nullptr;
  // The settings that are fitted, from labelled answers of a network, by spec's other settings and temperatures; null:
  // nothing is.
  std::function<PolicySettings(const LabelledLogits& samples, const PolicySpec& spec)> fit = nullptr;
  // What was fitted flatters the samples it was fitted to, so that thresholds are chosen on others.
  bool fits_apart = false;

  // Null where it has none of that name.
  [[nodiscard]] const PolicySetting* find_setting(std::string_view setting) const;
};

// Adds a policy to those that make_policy, files, command lines and tuning know. One name may have a row for classes
// and one for numbers. Throws kInvalidArgument for a name that is taken, an empty name or one with characters other
// than a-z, 0-9, '-' and '_', a row without `make`, two settings of one name, or a setting with a default outside its
// own bounds. Thread-safe; what is added stays until the program ends.
void register_policy(PolicyKind kind);

// Of a network with so many classes; 1: it answers with a number. Throws kInvalidArgument for an unknown name, naming
// the nearest, and for a policy that needs classes where there are none. The row stays until the program ends.
const PolicyKind& policy_kind(std::string_view name, int32_t classes = 2);
// Whether there is such a policy, for any network.
bool is_policy(std::string_view name);
// Every row, in the order shown to people; a name may come twice.
std::vector<const PolicyKind*> policy_kinds();

// Whose score and unit PolicyWrappers::abstain_below has: the policy's own, or max-prob's at temperature 1 where it
// gives the last exit no score, or none that tells the surest exit so far.
const PolicyKind& abstains_by(const PolicySpec& policy, int32_t classes = 2);

// Whether a verdict's own score is what abstain_below is held against; otherwise max-prob's of whoever answers is.
bool abstains_by_verdict(const PolicySpec& policy, const PolicyKind& kind);

// "1", "arithmetic", as people write it; lists are none and give "".
std::string setting_text(const SettingValue& value);

// Whether it holds settings that were fitted.
bool is_fitted(const PolicySpec& spec);
// Without the settings that were fitted to the logits of one table; parts stay as they are.
PolicySpec without_fit(PolicySpec spec);

}  // namespace sooner
