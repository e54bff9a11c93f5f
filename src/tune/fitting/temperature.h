// Softmax temperatures that make an exit's probabilities honest: the T that minimises the mean negative log-likelihood
// of softmax(z / T) (Guo et al. 2017). The ranking of classes does not change.
#pragma once

#include <cstdint>
#include <vector>

#include "tune/tables/logit_table.h"

namespace sooner {

// The search stays within these: an exit that is always right (or no better than chance) has its minimum at infinity.
// The lower bound is the closer one, for sharpening without end would make all sure scores tie.
inline constexpr double kLowestTemperature = 1.0 / 8;
inline constexpr double kHighestTemperature = 64;

struct TemperatureFit {
  double temperature = 1;
  double nll_before = 0;  // nats, at T = 1
  double nll_after = 0;   // at `temperature`
};

// REQUIRES: a valid table, 0 <= exit < K.
TemperatureFit fit_temperature(const LogitTable& table, int32_t exit);

// Of every exit, [K]: in a large table found from a few thousand samples spread over it, then on all of them, with all
// exits in one pass over the table. REQUIRES: a valid table.
std::vector<double> fit_temperatures(const LogitTable& table);

}  // namespace sooner
