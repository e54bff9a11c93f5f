// How many rows each stage of a model should be given at once on this machine: measured, not assumed. More rows spread
// the cost of a call, fewer stay in the cache; where the balance lies depends on stage, precision and processor.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "core/clock.h"
#include "runtime/model.h"

namespace sooner {

// Times every stage, trunk and head, with 1, 2, 4 … rows up to the model's batch_max, on noise, and gives for each the
// fewest rows whose time per row is within 2 % of the best. [K]. Takes some tenths of a second for a small network.
std::vector<int32_t> measure_micro_batches(const Model& model, const Clock& clock = steady_clock());

// What an earlier call measured on this machine, kept in a small file in `folder` (machine_cache.h); measures when
// nothing is known.
std::vector<int32_t> micro_batches(const Model& model, const std::filesystem::path& folder);

}  // namespace sooner
