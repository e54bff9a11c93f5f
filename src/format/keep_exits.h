// A model without some of its early exits.
#pragma once

#include <span>

#include "format/model_file.h"

namespace sooner {

// The early exits `kept` alone, which become 0, 1, …, and the last one; weights and the trainer's recorded logits of
// those stay as they are. Calibrations and int8 scales belong to the whole network and go; the policy becomes `never`.
// Throws what keep_exits(Graph) throws.
ModelFile keep_exits(const ModelFile& model, std::span<const size_t> kept);

}  // namespace sooner
