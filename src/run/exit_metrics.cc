#include "run/exit_metrics.h"

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
constexpr double kMostErrors = 3;  // the last exit's

double cross_entropy(std::span<const float> logits, int32_t label) {
  const float largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float z : logits) sum += std::exp(static_cast<double>(z) - largest);
  return std::log(sum) + largest - logits[static_cast<size_t>(label)];
}

// One answer: its loss, and what it is worth.
struct Worth {
  double loss = 0, quality = 0;
};

Worth of_class(std::span<const float> logits, int32_t label) {
  const auto answer = std::max_element(logits.begin(), logits.end()) - logits.begin();
  return {cross_entropy(logits, label), answer == label ? 1.0 : 0.0};
}

Worth of_number(float answer, float target, const Standard& standard) {
  const double error =
      std::abs(static_cast<double>(answer) * standard.std + standard.mean - static_cast<double>(target));
  const double off = error / standard.std;
  return {off < 1 ? off * off / 2 : off - 0.5, -error};
}

}  // namespace

ExitMetrics measure_exits(const ExitAnswers& answers, const std::vector<double>& exit_cost, const Targets& targets) {
  const auto exits = static_cast<size_t>(answers.exits);
  const auto classes = static_cast<size_t>(answers.classes);
  const auto samples = static_cast<size_t>(answers.samples);
  const auto count = static_cast<double>(samples);
  const bool gated = exits > 1 && !std::isnan(answers.gates.front());
  ExitMetrics m{std::vector<double>(exits), std::vector<double>(exits), {}, {}, std::nan(""), std::nan("")};
  if (gated) {
    m.mean_gate.resize(exits - 1);
    m.share.resize(exits);
    m.rule_quality = 0;
    m.cost = 0;
  }
  for (size_t n = 0; n < samples; ++n) {
    bool left = !gated;
    for (size_t k = 0; k < exits; ++k) {
      const std::span<const float> logits(answers.logits.data() + (n * exits + k) * classes, classes);
      const Worth worth = targets.standard ? of_number(logits[0], answers.targets[n], *targets.standard)
                                           : of_class(logits, answers.labels[n]);
      m.loss[k] += worth.loss / count;
      m.quality[k] += worth.quality / count;
      if (!gated) continue;
      const bool last = k + 1 == exits;
      const float gate = last ? 1.0F : answers.gates[n * (exits - 1) + k];
      if (!last) m.mean_gate[k] += static_cast<double>(gate) / count;
      if (left || gate < 0.5F) continue;
      left = true;
      m.share[k] += 1 / count;
      m.rule_quality += worth.quality / count;
      m.cost += exit_cost[k] / count;
    }
  }
  return m;
}

double selection_score(const ExitMetrics& metrics) {
  if (metrics.has_rule()) return metrics.rule_quality;
  return std::accumulate(metrics.quality.begin(), metrics.quality.end(), 0.0) /
         static_cast<double>(metrics.quality.size());
}

std::vector<std::string> starving_exits(const ExitMetrics& metrics, const std::optional<Quantity>& quantity) {
  const double behind = quantity ? -(kMostErrors - 1) * metrics.quality.back() : kMostAccuracyBehind;
  std::vector<std::string> warnings;
  for (size_t k = 0; k < metrics.quality.size(); ++k) {
    if (metrics.has_rule() && metrics.share[k] < kLeastShare) {
      const bool last = k + 1 == metrics.quality.size();
      warnings.push_back(fmt::format(
          "exit {} starves: {:.1f} % leave there; {}", k, 100 * metrics.share[k],
          last ? "lower differentiable.cost_weight" : "raise differentiable.cost_weight, aux_weight or warmup"));
    }
    if (metrics.quality.back() - metrics.quality[k] > behind) {
      warnings.push_back(
          fmt::format("exit {} starves: its {} is {}, the last exit's {}; raise its loss weight, or give it a larger "
                      "head",
                      k, quality_word(quantity), quality_text(quantity, metrics.quality[k], 1),
                      quality_text(quantity, metrics.quality.back(), 1)));
    }
  }
  return warnings;
}

}  // namespace sooner
