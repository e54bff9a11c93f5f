// What a label asks of an exit's answer: how much of it is spread over all classes, how much each class counts.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace sooner {

struct Targets {
  double smoothing = 0;                    // share of the label spread over all classes
  std::vector<double> class_weights = {};  // [C]; empty: all count the same
};

// [C], of mean 1, from the training images of each class: "inverse" 1/n; "effective" (1 - beta) / (1 - beta^n), the
// inverse of the effective number of samples (Cui et al., CVPR 2019); "none": empty. A class without images counts as
// one of a single image. REQUIRES: 0 <= beta < 1.
std::vector<double> class_weights(std::string_view kind, std::span<const int64_t> counts, double beta);

}  // namespace sooner
