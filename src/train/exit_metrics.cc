#include "train/exit_metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>

#include <fmt/format.h>

namespace sooner {
namespace {

constexpr double kLeastShare = 0.02;
constexpr double kMostAccuracyBehind = 0.20;

double cross_entropy(std::span<const float> logits, int32_t label) {
  const float largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float z : logits) sum += std::exp(static_cast<double>(z) - largest);
  return std::log(sum) + largest - logits[static_cast<size_t>(label)];
}

}  // namespace

ExitMetrics measure_exits(const ExitAnswers& answers, const std::vector<double>& exit_cost) {
  const auto exits = static_cast<size_t>(answers.exits);
  const auto classes = static_cast<size_t>(answers.classes);
  const auto samples = static_cast<size_t>(answers.samples);
  const auto count = static_cast<double>(samples);
  const bool gated = exits > 1 && !std::isnan(answers.gates.front());
  ExitMetrics m{std::vector<double>(exits), std::vector<double>(exits), {}, {}, std::nan(""), std::nan("")};
  if (gated) {
    m.mean_gate.resize(exits - 1);
    m.share.resize(exits);
    m.rule_accuracy = 0;
    m.cost = 0;
  }
  for (size_t n = 0; n < samples; ++n) {
    bool left = !gated;
    for (size_t k = 0; k < exits; ++k) {
      const std::span<const float> logits(answers.logits.data() + (n * exits + k) * classes, classes);
      const auto answer = std::max_element(logits.begin(), logits.end()) - logits.begin();
      const double right = answer == answers.labels[n] ? 1 : 0;
      m.loss[k] += cross_entropy(logits, answers.labels[n]) / count;
      m.accuracy[k] += right / count;
      if (!gated) continue;
      const bool last = k + 1 == exits;
      const float gate = last ? 1.0F : answers.gates[n * (exits - 1) + k];
      if (!last) m.mean_gate[k] += static_cast<double>(gate) / count;
      if (left || gate < 0.5F) continue;
      left = true;
      m.share[k] += 1 / count;
      m.rule_accuracy += right / count;
      m.cost += exit_cost[k] / count;
    }
  }
  return m;
}

double selection_score(const ExitMetrics& metrics) {
  if (metrics.has_rule()) return metrics.rule_accuracy;
  return std::accumulate(metrics.accuracy.begin(), metrics.accuracy.end(), 0.0) /
         static_cast<double>(metrics.accuracy.size());
}

std::vector<std::string> starving_exits(const ExitMetrics& metrics) {
  std::vector<std::string> warnings;
  for (size_t k = 0; k < metrics.accuracy.size(); ++k) {
    if (metrics.has_rule() && metrics.share[k] < kLeastShare) {
      const bool last = k + 1 == metrics.accuracy.size();
      warnings.push_back(fmt::format(
          "exit {} starves: {:.1f} % leave there; {}", k, 100 * metrics.share[k],
          last ? "lower differentiable.cost_weight" : "raise differentiable.cost_weight, aux_weight or warmup"));
    }
    if (metrics.accuracy.back() - metrics.accuracy[k] > kMostAccuracyBehind) {
      warnings.push_back(
          fmt::format("exit {} starves: its answers are {:.1f} % right, the last exit's {:.1f} %; raise "
                      "its loss weight, or give it a larger head",
                      k, 100 * metrics.accuracy[k], 100 * metrics.accuracy.back()));
    }
  }
  return warnings;
}

}  // namespace sooner
