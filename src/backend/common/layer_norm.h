// Normalisation of one sample's feature vector. One implementation for every backend, in double and in a fixed order,
// so that it never depends on batch-mates.
#pragma once

#include <span>

namespace sooner {

// dst = (src - mean) / sqrt(variance + epsilon), both [F]; the variance divides by F. dst may be src.
void layer_norm(std::span<const float> src, double epsilon, std::span<float> dst);

}  // namespace sooner
