// What a policy is made of, as it stands in files, configurations and on command lines: plain values. Whether they fit
// together and fit a network is make_policy's to say (exit_policy.h).
//
// Shapes below: C = classes, K = exits of the model (the last one always stops). Exits count from 0.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "policy/policy_settings.h"
#include "policy/threshold.h"

namespace sooner {

// What may stand around any policy, applied in this order. Each of them at its default does nothing.
struct PolicyWrappers {
  int32_t cap = -1;  // nobody goes beyond this exit; -1: no cap
  // Who could not finish the next stage within this time stops; +inf: no deadline. > 0.
  double deadline_seconds = std::numeric_limits<double>::infinity();
  // Who has to leave unsure is answered by the surest exit so far, not by the one reached. Exits are compared by the
  // policy's score where that is one of probabilities (PolicyKind::probabilities), else by max-prob's log-odds at
  // temperature 1; an abstention compares that of the exit that answers.
  bool surest_so_far = false;
  // Who has to leave unsure (last exit, cap, deadline) and is less sure than this is answered "do not know"; everybody
  // (-inf): nobody is. In the policy's own unit; in max-prob's where it gives the last exit no score.
  Threshold abstain_below = Threshold::everybody();
  [[nodiscard]] bool abstains() const { return abstain_below != Threshold::everybody(); }
  bool operator==(const PolicyWrappers&) const = default;
};

struct PolicySpec {
  // One of policy_names().
  std::string name = "never";
  // [K-1], one per early exit; empty: the policy's default, where it has one, or it takes none.
  std::vector<Threshold> thresholds = {};
  // [K-1][C], in place of `thresholds`: the threshold that holds for samples answered with class c. Empty: none.
  std::vector<std::vector<Threshold>> class_thresholds = {};
  // [K], softmax temperatures applied to logits before a probability policy; empty means 1 everywhere.
  std::vector<double> temperatures = {};
  PolicySettings settings = {};  // those that the policy declares
  PolicyWrappers wrappers = {};
  std::vector<PolicySpec> parts = {};  // of `any` and `all`; without wrappers of their own
  bool operator==(const PolicySpec& other) const;
};

// `spec` without what sends samples away whatever the policy says of them: cap, deadline and abstention. Who answers
// (surest_so_far) stays.
PolicySpec bare(PolicySpec spec);

}  // namespace sooner
