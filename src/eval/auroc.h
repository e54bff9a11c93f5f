// How well a score tells two kinds of samples apart.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace sooner {

// The probability that a random positive (label != 0) scores above a random negative, a tie counting one half: 1 tells
// them apart perfectly, .5 not at all. Nothing when either kind is missing. n log n. Throws kInvalidArgument for
// different lengths or a NaN score.
std::optional<double> auroc(std::span<const double> scores, std::span<const uint8_t> labels);

}  // namespace sooner
