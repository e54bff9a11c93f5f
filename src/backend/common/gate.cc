#include "backend/common/gate.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "graph/parameters.h"

namespace sooner {
namespace {

// H(softmax(scale * z)) in nats: ln S - sum(t e^t) / S with t = scale * (z - max z) <= 0 and S = sum e^t.
double entropy(std::span<const float> logits, double largest, double scale) {
  double total = 0;
  double weighted = 0;
  for (const float z : logits) {
    const double t = scale * (static_cast<double>(z) - largest);
    const double e = std::exp(t);
    total += e;
    if (e > 0) weighted += t * e;  // t may be -inf, where t * e^t is 0 in the limit
  }
  return std::log(total) - weighted / total;
}

}  // namespace

void compute_gate_scores(std::span<const float> logits, std::span<double, kGateScoreCount> scores) {
  double first = -INFINITY;
  double second = -INFINITY;
  for (const float z : logits) {
    if (z > first) {
      second = first;
      first = z;
    } else if (z > second) {
      second = z;
    }
  }
  double total = 0;
  for (const float z : logits) total += std::exp(static_cast<double>(z) - first);
  const double log_classes = std::log(static_cast<double>(logits.size()));
  scores[0] = 1 / total;
  scores[1] = std::clamp(entropy(logits, first, 1) / log_classes, 0.0, 1.0);
  scores[2] = -std::expm1(second - first) / total;
  // q = p^2 / sum p^2 is the softmax of twice the logits.
  scores[3] = std::clamp(entropy(logits, first, 2) / log_classes, 0.0, 1.0);
}

GateUnit::GateUnit(const Graph& graph, size_t exit_index, const Weights& weights) {
  const std::optional<Gate>& gate = graph.stages.at(exit_index).exit.gate;
  SOONER_ASSERT(gate.has_value());
  if (gate->features) {
    const std::span<const float> w = weights.get(gate_features_name(exit_index));
    feature_weights_.assign(w.begin(), w.end());
  }
  if (gate->scores) {
    const std::span<const float> w = weights.get(gate_scores_name(exit_index));
    score_weights_.assign(w.begin(), w.end());
  }
  bias_ = weights.get(gate_bias_name(exit_index))[0];
}

float GateUnit::logit(std::span<const float> features, std::span<const float> logits) const {
  double sum = 0;
  for (size_t i = 0; i < feature_weights_.size(); ++i) {
    sum += static_cast<double>(feature_weights_[i]) * static_cast<double>(features[i]);
  }
  return logit_from_sum(sum, logits);
}

float GateUnit::logit_from_sum(double features_sum, std::span<const float> logits) const {
  double sum = bias_ + features_sum;
  if (!score_weights_.empty()) {
    double scores[kGateScoreCount];
    compute_gate_scores(logits, scores);
    for (size_t i = 0; i < score_weights_.size(); ++i) sum += static_cast<double>(score_weights_[i]) * scores[i];
  }
  return static_cast<float>(sum);
}

int64_t GateUnit::macs() const { return static_cast<int64_t>(feature_weights_.size() + score_weights_.size()); }

}  // namespace sooner
