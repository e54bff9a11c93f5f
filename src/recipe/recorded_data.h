// Which data a model was trained on and how it was split, from the configuration that its file holds.
#pragma once

#include "data/open_data_set.h"
#include "data/split.h"
#include "format/manifest.h"

namespace sooner {

struct RecordedData {
  DataOptions data;  // data_dir is empty: where the data lay means nothing elsewhere
  SplitOptions split;
};

// What the configuration does not say is as it is by default; what else it says, or another version wrote into it, is
// not looked at. Throws kDataLoss, naming the line, where it is no TOML or an option of [data] or [split] has an
// impossible value.
RecordedData recorded_data(const Provenance& provenance);

}  // namespace sooner
