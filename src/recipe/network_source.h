// The network that a configuration describes: of the zoo, or of a model file.
#pragma once

#include <optional>
#include <string>

#include "data/image_source.h"
#include "format/model_file.h"
#include "recipe/train_config.h"

namespace sooner {

// The file that train.start names, or nothing. Throws what load_model throws, and kInvalidArgument where it is for
// other answers or pictures than `data`.
std::optional<ModelFile> load_start(const TrainConfig& config, const DataSet& data);

// model_hash of the file that train.start names, "" where it names none. Throws what load_model throws.
std::string start_hash(const TrainConfig& config);

// `start`: what load_start gave. Throws kInvalidArgument where the network does not fit the data.
Graph described_network(const TrainConfig& config, const DataSet& data, const std::optional<ModelFile>& start);

}  // namespace sooner
