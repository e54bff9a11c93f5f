// Which of a network's early exits are worth their heads: one at a time, the exit that saves most beside those already
// there (after the greedy placement of Baccarelli et al. 2020). Linear in the number of candidates.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "tune/tables/logit_table.h"

namespace sooner {

struct GreedyOptions {
  std::string policy = "max-prob";  // whose thresholds are chosen
  double drop = 0;                  // of accuracy against the last exit, [0, 1]: the floor
  int32_t most = -1;                // exits to take; -1: as long as one still saves something
  // C of the network with these early exits alone, [kept + 1]; empty: what the table says, less the heads taken off,
  // which is wrong where heads read each other.
  std::function<std::vector<double>(std::span<const size_t> kept)> exit_cost = {};
};

struct GreedyStep {
  size_t exit = 0;     // of the table, the one that was added
  double cost = 0;     // mean, with it, at the cheapest thresholds within the floor
  double quality = 0;  // at those
};

struct GreedyChoice {
  double cost_without = 0;             // of sending everybody to the last exit, without any early head
  std::vector<GreedyStep> steps = {};  // in the order of their worth; empty: no exit saves anything
  // The exits taken, rising.
  [[nodiscard]] std::vector<size_t> exits() const;
};

// Chooses on `table` (the validation split: thresholds are chosen anew on `tune`). Temperatures are fitted there.
// Throws kInvalidArgument for a bad table or one that does not say what heads cost, a policy without thresholds, a drop
// outside [0, 1].
GreedyChoice choose_exits(const LogitTable& table, const GreedyOptions& options);

}  // namespace sooner
