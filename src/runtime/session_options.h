// What a session is made with: how many rows each stage takes at once, threads, times and the clock they are read from.
#pragma once

#include <cstdint>
#include <vector>

#include "core/clock.h"

namespace sooner {

struct SessionOptions {
  // Rows stage k is given at once, [K], each 1 to the model's batch_max (micro_batches.h measures them); empty: a
  // guess.
  std::vector<int32_t> micro_batches = {};
  // That share the rows of every stage (session_group.h is the other way). Answers do not depend on it.
  int32_t threads = 1;
  // For policies with a deadline, [K]: seconds stage k and its head take for a micro-batch on this machine. No other
  // policy asks for times.
  std::vector<double> stage_seconds = {};
  // Read once when a run begins and once for every micro-batch after a stage; outlives the session. Never read without
  // a deadline, unless `tells_times`.
  const Clock* clock = &steady_clock();
  bool tells_times = false;  // results say how long they took, deadline or not
};

}  // namespace sooner
