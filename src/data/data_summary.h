// A data set and its splits in figures: what `sooner data` prints.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/image_source.h"
#include "data/split.h"

namespace sooner {

struct SplitSummary {
  std::string name;                // train | validation | tune | guarantee | test
  std::string hash;                // 16 hex digits
  int64_t size = 0;                // images
  std::vector<int64_t> per_class;  // [classes], images
  double mean_difficulty = 0;      // NaN where the set knows none
};

struct DataSummary {
  std::string name;
  std::string hash;   // 16 hex digits
  Shape image_shape;  // [C, H, W]
  std::vector<std::string> class_names;
  std::vector<double> mean, std;     // [C], of pixels / 255
  std::vector<SplitSummary> splits;  // in the order above
};

// Counts labels; reads no image.
DataSummary summarize(const DataSet& data, const Splits& splits);

}  // namespace sooner
