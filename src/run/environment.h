// env.json of a run folder: the machine and the versions it was trained with, which data, and how it went.
//
// Written here and read here. The configuration is not in it: config.toml has that.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "run/checkpoint.h"
#include "run/train_result.h"

namespace sooner {

struct SplitRecord {
  std::string name;  // "tune"
  int64_t samples = 0;
  std::string hash;
};

struct Environment {
  std::string sooner_version;
  std::string libtorch_version;
  RunIdentity identity;
  std::string processor;         // its name
  std::string instruction_sets;  // "avx2 fma …"
  int32_t processors = 0;
  std::string device;  // that computed: the processor's or the GPU's name
  int32_t loader_threads = 0;
  std::string data_set;
  std::vector<double> exit_cost;  // [K], C_k
  std::vector<SplitRecord> splits = {};
  std::optional<TrainResult> result = {};  // nothing while the run goes on
};

// Atomic (core/file.h).
void write_environment(const Environment& environment, const std::filesystem::path& path);

// Members that older versions did not write are as they are by default. Throws what read_text throws, and kDataLoss for
// a file that is none of ours.
Environment read_environment(const std::filesystem::path& path);

}  // namespace sooner
