// Named, hashed, stratified, seeded splits of a data set's training source. The test source is never split.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/image_source.h"

namespace sooner {

struct SplitOptions {
  double validation = 0.05;   // share of the training source: best checkpoint, target-cost controller
  double calibration = 0.10;  // share: halves `tune` (temperatures, thresholds) and `guarantee` (risk control alone)
  // Of `train`, class c of C keeps imbalance^(-c / (C-1)) of its images, at least one, the others are left out: the
  // exponential long tail of Cui et al. (CVPR 2019). 1: all.
  double imbalance = 1;
  uint64_t seed = 1;
};

struct Split {
  std::string name;                   // train | validation | tune | guarantee | test
  std::vector<int64_t> indices = {};  // ascending, into the source
  std::string hash = {};              // 16 hex digits over data set hash, name and indices
};

struct Splits {
  Split train{"train"}, validation{"validation"}, tune{"tune"}, guarantee{"guarantee"}, test{"test"};
  // By name; "calibration" is not one. Throws kInvalidArgument naming the choices.
  [[nodiscard]] const Split& by_name(std::string_view name) const;
};

// Stratified by label, disjoint, together the whole training source (unless imbalance leaves some out); the same for
// the same data, shares, imbalance and seed on every machine. Throws kInvalidArgument for shares outside [0, .5], an
// imbalance below 1 or classes too small to be split.
Splits make_splits(const DataSet& data, const SplitOptions& options);

}  // namespace sooner
