// What a training came to, as env.json keeps it.
#pragma once

#include <cstdint>

namespace sooner {

struct TrainResult {
  bool interrupted = false;  // it was asked to stop; the run can be resumed
  int64_t steps = 0;
  double images_per_second = 0;  // over all training steps of this call
  double waiting_share = 0;      // of the training time spent waiting for data
  double best_score = 0;         // see selection_score (run/exit_metrics.h)
};

}  // namespace sooner
