// How thresholds are to be chosen, or were: kept in records and files as it is, shown to people as text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/abstention.h"
#include "policy/risk_terms.h"

namespace sooner {

struct CalibrationRule {
  enum class Kind : uint8_t {
    kAccuracyDrop,  // value: accuracy that may be lost against the last exit, in [0, 1]
    kErrorRise,     // value: of a regression, how much above the last exit's the mean error may lie, in its unit
    kLatency,       // one or the other, but the cheapest by what each exit takes on a machine; times: [K]
    kClassDrop,     // an accuracy drop for every class that an exit answers with, by thresholds of its own
    kBudget,        // value: mean cost, a fraction of the plain network's
    kShares,        // shares: [K]
    kUntouched,     // the policy's own default: 0.5 for gate and confidence
    kRisk,          // the cheapest that `risk` can be promised of
  };
  Kind kind = Kind::kUntouched;
  double value = 0;
  std::vector<double> shares = {};
  std::vector<double> times = {};      // until each exit has answered, as fractions of what the plain network takes
  std::optional<RiskTerms> risk = {};  // of kRisk, and of no other
  std::optional<Abstention> abstention = {};  // chosen after the thresholds; none: nobody is asked to abstain
  bool operator==(const CalibrationRule&) const = default;
};

// "accuracy-drop", "error-rise", "latency", "class-drop", "budget", "shares", "untouched", "risk".
std::string_view to_string(CalibrationRule::Kind kind);
// Throws kInvalidArgument for another word, naming the nearest.
CalibrationRule::Kind rule_kind_from_string(std::string_view text);

// As people write it: "accuracy-drop 0.003", "error-rise 0.5", "latency 0.003 0.21,0.55,1.07", "budget 0.5", "shares
// 0.6,0.3,0.1", "untouched", "risk 0.02 delta 0.05 loss differs bound binomial"; with an abstention "budget 0.5 and
// coverage 0.95". Name and value are parted by a space or "=". What begins with "rule " ("rule g >= 0.5": files before
// version 6 describe a policy's own rule so) is `untouched`. Throws kInvalidArgument, naming what was expected.
CalibrationRule parse_calibration_rule(std::string_view text);
// The same text back.
std::string to_string(const CalibrationRule& rule);

// Without measured times, which differ from machine to machine.
CalibrationRule without_times(CalibrationRule rule);

// Throws kInvalidArgument unless the kind has the members it needs, finite and in range, and no others. exits: K.
void check_rule(const CalibrationRule& rule, size_t exits);

}  // namespace sooner
