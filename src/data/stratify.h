// Each class's samples in a seeded order: what every stratified cut starts from.
#pragma once

#include <cstdint>
#include <vector>

#include "data/image_source.h"

namespace sooner {

// [classes][samples of the class]. A class's order depends on the seed and its own samples alone.
std::vector<std::vector<int64_t>> shuffled_by_class(const ImageSource& source, int64_t classes, uint64_t seed);

}  // namespace sooner
