// The gate of one exit: a logistic unit on the exit's features and on four scores of its own logits. One
// implementation for every backend, in double and in a fixed order, so that a gate never depends on batch-mates.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/common/weights.h"
#include "graph/graph.h"

namespace sooner {

// Order and definition: graph/graph.h (max p, H(p)/ln C, margin, H(q)/ln C). Natural logs. Finite for finite logits,
// however large. REQUIRES: logits.size() >= 2.
void compute_gate_scores(std::span<const float> logits, std::span<double, kGateScoreCount> scores);

// Immutable.
class GateUnit {
 public:
  // REQUIRES: exit `exit_index` of `graph` has a gate.
  GateUnit(const Graph& graph, size_t exit_index, const Weights& weights);

  // The gate before its sigmoid. features: [F], ignored when the gate does not read them; logits: [C].
  [[nodiscard]] float logit(std::span<const float> features, std::span<const float> logits) const;
  // The same where sum(features . weights) is known already (0 when the gate does not read features).
  [[nodiscard]] float logit_from_sum(double features_sum, std::span<const float> logits) const;
  // Multiply-accumulates of one evaluation: F for the features, 4 for the scores.
  [[nodiscard]] int64_t macs() const;
  [[nodiscard]] std::span<const float> feature_weights() const { return feature_weights_; }
  [[nodiscard]] std::span<const float> score_weights() const { return score_weights_; }

 private:
  std::vector<float> feature_weights_;  // [F]; empty when the gate does not read features
  std::vector<float> score_weights_;    // [4]; empty when it does not read scores
  double bias_ = 0;
};

}  // namespace sooner
