// Draws samples from a table as if it were a population, with replacement: for simulating what a method does on data
// sets that could have been.
#pragma once

#include <cstdint>
#include <vector>

#include "core/rng.h"
#include "tune/risk/threshold_family.h"

namespace sooner {

struct ScoredSamples {
  ScoreTable table = {};
  ExitLosses losses = {};
};

inline ScoredSamples resample(const ScoredSamples& population, int64_t samples, Rng& rng) {
  const size_t exits = population.table.scores.size();
  ScoredSamples drawn;
  drawn.table = {.samples = samples,
                 .exits = population.table.exits,
                 .exit_cost = population.table.exit_cost,
                 .head_cost = population.table.head_cost};
  drawn.table.scores.resize(exits);
  drawn.table.quality.resize(exits);
  drawn.losses.resize(exits);
  for (int64_t i = 0; i < samples; ++i) {
    const auto n = static_cast<size_t>(rng.below(static_cast<uint64_t>(population.table.samples)));
    for (size_t k = 0; k < exits; ++k) {
      drawn.table.scores[k].push_back(population.table.scores[k][n]);
      drawn.table.quality[k].push_back(population.table.quality[k][n]);
      drawn.losses[k].push_back(population.losses[k][n]);
    }
  }
  return drawn;
}

// Adds the samples of `more`, of the same model and policy. An empty table becomes `more`.
inline void append(ScoreTable& table, const ScoreTable& more) {
  if (table.samples == 0) {
    table = more;
    return;
  }
  const auto add = [](auto& to, const auto& from) {
    for (size_t k = 0; k < to.size(); ++k) to[k].insert(to[k].end(), from[k].begin(), from[k].end());
  };
  table.samples += more.samples;
  add(table.scores, more.scores);
  add(table.quality, more.quality);
  add(table.answers, more.answers);
}

// The mean loss of leaving where the thresholds say. REQUIRES: samples; sizes fit.
inline double mean_loss(const ScoredSamples& samples, const std::vector<double>& thresholds) {
  const std::vector<int32_t> taken = exits_taken(samples.table, thresholds);
  double sum = 0;
  for (size_t n = 0; n < taken.size(); ++n) sum += samples.losses[static_cast<size_t>(taken[n])][n];
  return sum / static_cast<double>(taken.size());
}

}  // namespace sooner
