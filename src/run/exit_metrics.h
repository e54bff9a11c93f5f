// What training is judged by, per exit: loss, quality (core/quantity.h), gates, who leaves where, cost. Plain numbers,
// no tensors.
//
// "The rule" is the untouched gate rule: leave at the first exit whose gate is at least 1/2, else at the last.
// Axis letters: N samples, K exits, C classes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/quantity.h"
#include "recipe/targets.h"

namespace sooner {

// Every exit's answer to a list of samples.
struct ExitAnswers {
  int64_t samples = 0;
  int32_t exits = 0;
  int32_t classes = 0;
  std::vector<float> logits;        // [N, K, C], C fastest
  std::vector<float> gates;         // [N, K-1], sigmoid outputs; NaN where the exit has no gate
  std::vector<int32_t> labels;      // [N]
  std::vector<float> targets = {};  // [N], in their unit, where a number is asked for
};

struct ExitMetrics {
  std::vector<double> loss;     // [K], mean of each exit's own: cross-entropy in nats, or smooth L1
  std::vector<double> quality;  // [K], mean: accuracy in [0, 1], or minus the mean absolute error
  // Empty, NaN, where the network has no gates.
  std::vector<double> mean_gate;  // [K-1]
  std::vector<double> share;      // [K], who leaves there by the rule
  double rule_quality;            // of the answers taken by the rule
  double cost;                    // mean C_k by the rule: MACs as a fraction of the plain network's
  [[nodiscard]] bool has_rule() const { return !share.empty(); }
};

// Means over the steps of an epoch; NaN for exits that a phase leaves out.
struct TrainingMetrics {
  double loss = 0;       // what was minimised
  double mixture = 0;    // mean -log S_1[y]; NaN in joint phases
  double soft_cost = 0;  // mean Q_1; NaN in joint phases
  ExitMetrics exits;
};

// `exit_cost`: C_k, [K]. Of a regression, logits are standardised as `targets` says. REQUIRES: samples > 0.
ExitMetrics measure_exits(const ExitAnswers& answers, const std::vector<double>& exit_cost,
                          const Targets& targets = {});

// What "best" means: quality by the rule where there are gates; mean quality of all exits where there are none (with
// one exit, simply its quality).
double selection_score(const ExitMetrics& metrics);

// One sentence for each exit that starves: under 2 % leave there by the rule, or its own answers are more than 20
// points less accurate than the last exit's, or more than three times as far off. Empty when none does.
std::vector<std::string> starving_exits(const ExitMetrics& metrics, const std::optional<Quantity>& quantity = {});

}  // namespace sooner
