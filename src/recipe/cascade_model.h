// One model of whole networks, asked one after the other (graph/cascade.h).
#pragma once

#include <span>

#include "format/model_file.h"

namespace sooner {

// `models` in their order, each computing what it computes alone, from images preprocessed as the first one's are; with
// everybody at the last exit. Thresholds, promises, int8 scales and recorded samples are of the networks alone and go.
// Where the networks were not all trained on the same images with the same ones kept back, the model counts as trained
// elsewhere: it may have learnt what is kept for calibration. Throws what cascade() throws, and kInvalidArgument for
// networks of other class names, or asked for numbers.
ModelFile cascade_model(std::span<const ModelFile> models);

}  // namespace sooner
