// What was promised when thresholds were chosen, and for which logits. Stored in the model file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "policy/exit_policy.h"

namespace sooner {

struct CalibrationRecord {
  PolicySpec policy;
  // How the thresholds were chosen: "accuracy-drop 0.003", "budget 0.5", "shares 0.6,0.3,0.1", "rule g >= 0.5".
  std::string rule;
  // Whose logits: thresholds belong to these.
  std::string data_set;    // name
  std::string split_hash;  // of the sample list used
  int64_t samples = 0;
  std::string precision = "fp32";
  std::string backend;          // "onednn"
  std::string instruction_set;  // "avx512 bf16"
  // Expected on that split.
  double accuracy = 0;                // [0, 1], at the chosen operating point
  double last_exit_accuracy = 0;      // everybody at the last exit
  double optimality_gap = 0;          // mean cost fraction that a better choice could still save; 0 is proven best
  double cost_fraction = 0;           // mean C_k
  std::vector<double> exit_shares;    // [K]
  std::vector<double> exit_accuracy;  // [K], each exit answering everything
  // [K][bins]: counts of scores of the samples that reached the exit, in equal-width bins over [histogram_low,
  // histogram_high] of that exit.
  std::vector<std::vector<int64_t>> score_histograms;
  std::vector<double> histogram_low;   // [K]
  std::vector<double> histogram_high;  // [K]
};

}  // namespace sooner
