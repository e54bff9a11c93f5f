// Tables for tests: random ones whose exits know more and more, and small ones written out by hand.
#pragma once

#include <cmath>
#include <vector>

#include "core/rng.h"
#include "tune/tables/logit_table.h"
#include "tune/tables/score_table.h"

namespace sooner {

// Later exits answer better; gates lean towards samples the exit gets right. Costs .2 … 1.1.
inline LogitTable random_logit_table(uint64_t seed, int64_t samples, int32_t exits, int32_t classes) {
  LogitTable table{.samples = samples, .exits = exits, .classes = classes};
  Rng rng(seed);
  for (int32_t k = 0; k < exits; ++k) table.exit_cost.push_back(0.2 + 0.9 * (k + 1) / exits);
  for (int64_t n = 0; n < samples; ++n) {
    table.labels.push_back(static_cast<int32_t>(rng.below(static_cast<uint64_t>(classes))));
    const double difficulty = rng.normal();
    for (int32_t k = 0; k < exits; ++k) {
      const double skill = 2.0 + 1.5 * k - difficulty;
      for (int32_t c = 0; c < classes; ++c) {
        table.logits.push_back(static_cast<float>(rng.normal() + (c == table.labels.back() ? skill : 0.0)));
      }
      if (k + 1 < exits) table.gates.push_back(static_cast<float>(1 / (1 + std::exp(2 - skill - rng.normal()))));
    }
  }
  return table;
}

// Scores on a grid of `levels` values (few levels: many ties), rights at random but likelier where the score is high.
inline ScoreTable random_score_table(uint64_t seed, int64_t samples, int32_t exits, uint64_t levels) {
  ScoreTable table{.samples = samples, .exits = exits};
  Rng rng(seed);
  double cost = 0.1;
  for (int32_t k = 0; k < exits; ++k) {
    cost += rng.uniform(0.05, 0.5);
    table.exit_cost.push_back(cost);
    std::vector<float> scores;
    std::vector<float> quality;
    for (int64_t n = 0; n < samples; ++n) {
      const auto level = rng.below(levels);
      scores.push_back(static_cast<float>(level));
      const double sure = static_cast<double>(level + 1) / static_cast<double>(levels + 1);
      quality.push_back(rng.chance(0.3 + 0.3 * sure + 0.4 * k / exits) ? 1.0F : 0.0F);
    }
    table.scores.push_back(std::move(scores));
    table.quality.push_back(std::move(quality));
  }
  return table;
}

// A one-exit-early, two-class table: sample n has logits {gap, 0} at each exit.
inline LogitTable gap_table(const std::vector<std::vector<float>>& gaps, const std::vector<int32_t>& labels,
                            const std::vector<double>& exit_cost) {
  LogitTable table{.samples = static_cast<int64_t>(labels.size()),
                   .exits = static_cast<int32_t>(exit_cost.size()),
                   .classes = 2,
                   .labels = labels,
                   .exit_cost = exit_cost};
  for (const std::vector<float>& sample : gaps) {
    for (const float gap : sample) {
      table.logits.push_back(gap);
      table.logits.push_back(0);
    }
  }
  table.gates.assign(labels.size() * (exit_cost.size() - 1), std::nanf(""));
  return table;
}

}  // namespace sooner
