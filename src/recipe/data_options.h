// The rows of [data] and [split]: which images a network is trained on, and which are kept from it.
#pragma once

#include <vector>

#include "data/open_data_set.h"
#include "data/split.h"
#include "recipe/config_options.h"

namespace sooner {

// What the rows name is read into, and written from, what they are added for, which must outlive them.
void add_data_options(std::vector<Option>& options, DataOptions& data);
void add_split_options(std::vector<Option>& options, SplitOptions& split);

}  // namespace sooner
