// Where the time goes: every step of every stage, timed as it runs.
//
// Axis letters: K exits. Times are microseconds per sample.
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

// What a profile is one of: two of the same model on the same machine differ in these.
struct ProfileKey {
  int32_t batch = 1;
  std::string precision = "fp32";
  int32_t threads = 1;
  std::string backend;          // "onednn"
  std::string instruction_set;  // "avx512 bf16"
  bool operator==(const ProfileKey&) const = default;
};

struct Profile {
  ProfileKey key;
  std::string cpu;              // its name
  std::string cpu_features;     // "avx2 fma …"
  double peak_macs_per_us = 0;  // of a large convolution, same backend and precision
  std::vector<StageProfile> stages;
};

// images: at least `batch` preprocessed samples [batch, C, H, W]; every stage sees all of them, nobody leaves.
// `backend` is the one the model was compiled with. One thread.
Profile profile(const Model& model, const Backend& backend, std::span<const float> images, int32_t batch);

// Until each exit has answered, over what the plain network takes, [K]: trunk and heads of every stage so far.
// REQUIRES: at least one stage.
std::vector<double> exit_times(const Profile& profile);

}  // namespace sooner
