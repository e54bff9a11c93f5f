// From the pixels of pictures to the numbers that a network takes, as its model file says.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "format/model_file.h"

namespace sooner {

// (pixel / 255 - mean) / std, with the mean and std of the pixel's channel: bit for bit what the network was trained
// on. pixels: [n, C, H, W], any n >= 0; gives as many floats, in the same order. Throws kInvalidArgument for half a
// picture.
std::vector<float> preprocess(const Preprocessing& preprocessing, std::span<const uint8_t> pixels);

}  // namespace sooner
