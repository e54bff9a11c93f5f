// The files a finished run leaves: the model, and every exit's logits on the validation split.
#pragma once

#include <filesystem>

#include "data/image_source.h"
#include "data/split.h"
#include "recipe/train_config.h"
#include "run/exit_metrics.h"
#include "train/graph_module.h"

namespace sooner {

// Writes model.safetensors: weights, provenance, preprocessing, 16 validation images with the module's fp32 logits and
// gates, and the default policy: the gate rule at 1/2 under differentiable, otherwise never. REQUIRES: `module` on the
// CPU. trained_elsewhere: as in Provenance.
void export_model(GraphModule& module, const TrainConfig& config, const DataSet& data, const Splits& splits,
                  bool trained_elsewhere, const std::filesystem::path& path);

// Writes tensors "logits" F32 [N, K, C], "gates" F32 [N, K-1] (absent with one exit), "labels" I32 [N] (or "targets"
// F32 [N]), and the split's name and hash in the metadata.
void export_answers(const ExitAnswers& answers, const Split& split, const std::filesystem::path& path);

}  // namespace sooner
