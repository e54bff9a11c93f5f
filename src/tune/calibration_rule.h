// How thresholds are to be chosen, as people write it: "accuracy-drop 0.003", "error-rise 0.5", "latency 0.003
// 0.21,0.55,1.07", "budget 0.5", "shares 0.6,0.3,0.1", "untouched".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

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
  };
  Kind kind = Kind::kUntouched;
  double value = 0;
  std::vector<double> shares = {};
  std::vector<double> times = {};  // until each exit has answered, as fractions of what the plain network takes
  bool operator==(const CalibrationRule&) const = default;
};

// Name and value are parted by a space or "=". Throws kInvalidArgument, naming what was expected.
CalibrationRule parse_calibration_rule(std::string_view text);
// The same text back.
std::string to_string(const CalibrationRule& rule);

}  // namespace sooner
