// Draws samples from a table as if it were a population: for simulating what a method does on data
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

// These samples of a population, in their order. REQUIRES: samples it has.
inline ScoredSamples of_samples(const ScoredSamples& population, const std::vector<size_t>& samples) {
  const size_t exits = population.table.scores.size();
  ScoredSamples taken;
  taken.table = {.samples = static_cast<int64_t>(samples.size()),
                 .exits = population.table.exits,
                 .exit_cost = population.table.exit_cost};
  taken.table.scores.resize(exits);
  taken.table.quality.resize(exits);
  taken.losses.resize(exits);
  for (const size_t n : samples) {
    for (size_t k = 0; k < exits; ++k) {
      taken.table.scores[k].push_back(population.table.scores[k][n]);
      taken.table.quality[k].push_back(population.table.quality[k][n]);
      taken.losses[k].push_back(population.losses[k][n]);
    }
  }
  return taken;
}

// With replacement.
inline ScoredSamples resample(const ScoredSamples& population, int64_t samples, Rng& rng) {
  std::vector<size_t> drawn(static_cast<size_t>(samples));
  for (size_t& n : drawn) n = static_cast<size_t>(rng.below(static_cast<uint64_t>(population.table.samples)));
  return of_samples(population, drawn);
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
