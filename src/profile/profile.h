// Where the time goes: every step of every stage, timed as it runs.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/model.h"

namespace sooner {

struct StepProfile {
  std::string name;  // of the node, "conv1"
  std::string op;
  bool head = false;
  double us = 0;     // per sample, the shortest of several runs
  int64_t macs = 0;  // per sample
  double bytes = 0;  // per sample: what it reads and writes of maps, and its weights' share of the batch
  double share = 0;  // of the measured peak: macs / us over the peak's
};

struct StageProfile {
  std::vector<StepProfile> steps;
  double trunk_us = 0;  // per sample
  double head_us = 0;
  int64_t carry_bytes = 0;  // per sample, as it lies in memory
};

struct Profile {
  int32_t batch = 1;
  double peak_macs_per_us = 0;  // of a large convolution, same backend and precision
  std::vector<StageProfile> stages;
};

// images: at least `batch` preprocessed samples [batch, C, H, W]; every stage sees all of them, nobody leaves.
// `backend` is the one the model was compiled with. One thread.
Profile profile(const Model& model, const Backend& backend, std::span<const float> images, int32_t batch);

// Until each exit has answered, over what the plain network takes, [K]: trunk and heads of every stage so far, single
// steps timed as above.
std::vector<double> exit_times(const Model& model, const Backend& backend, std::span<const float> images,
                               int32_t batch);

}  // namespace sooner
