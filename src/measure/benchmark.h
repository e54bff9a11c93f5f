// Times models against each other, interleaved in one run, and checks that they keep answering the same.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/batch_loader.h"
#include "runtime/session_group.h"

namespace sooner {

struct Contestant {
  std::string name;
  std::shared_ptr<const Model> model;
  std::shared_ptr<const ExitPolicy> policy;
  SessionOptions options = {};
  int32_t threads = 1;
  ThreadLayout layout = ThreadLayout::kSessions;
};

struct Timing {
  std::string name;
  int64_t batch = 0;
  double median_us = 0;    // per image: median over repeats of a whole pass
  double call_p50_us = 0;  // per call of `batch` images
  double call_p99_us = 0;
  double ratio = 1;  // median over repeats of this pass's time over the first contestant's in the same repeat
  double quality = 0;
  double millijoules = 0;  // per image, of the whole processor; NaN where it cannot be read
};

// Every repeat passes over all samples, contestants taking turns every few calls, so that noise meets all
// alike; the first pass warms up and is not counted. Samples differ in content but are prepared beforehand: decoding is
// not timed. Throws kInternal when a contestant's answers change between passes.
std::vector<Timing> benchmark(const std::vector<Contestant>& contestants, const Batch& samples, int64_t batch,
                              int repeats);

}  // namespace sooner
