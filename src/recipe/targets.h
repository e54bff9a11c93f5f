// What is asked of an exit's answer. Of a class: how much of the label is spread over all classes, how much each class
// counts. Of a number: by which scale it is learned.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "data/image_source.h"

namespace sooner {

// Of the numbers asked for, in their unit.
struct Standard {
  double mean = 0;
  double std = 1;  // > 0
};

struct Targets {
  double smoothing = 0;                    // share of the label spread over all classes
  std::vector<double> class_weights = {};  // [C]; empty: all count the same
  // A regression's: outputs stand for (y - mean) / std, and the loss is of those. Nothing: classes are asked for.
  std::optional<Standard> standard = {};
};

// Of the targets of these samples. Throws kInvalidArgument where they are not finite or all the same.
Standard standard_of(const ImageSource& source, std::span<const int64_t> indices);

// [C], of mean 1, from the training images of each class: "inverse" 1/n; "effective" (1 - beta) / (1 - beta^n), the
// inverse of the effective number of samples (Cui et al., CVPR 2019); "none": empty. A class without images counts as
// one of a single image. REQUIRES: 0 <= beta < 1.
std::vector<double> class_weights(std::string_view kind, std::span<const int64_t> counts, double beta);

}  // namespace sooner
