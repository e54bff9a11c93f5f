// What a training is made of before its first step, each part checked against the others.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "data/image_source.h"
#include "data/split.h"
#include "format/model_file.h"
#include "graph/graph.h"
#include "policy/cost_weights.h"
#include "recipe/targets.h"
#include "recipe/train_config.h"
#include "train/regime.h"

namespace sooner {

struct TrainingSetup {
  // Throws Error: bad data, settings that do not fit the data, the network or each other.
  explicit TrainingSetup(const TrainConfig& config);
  TrainingSetup(const TrainingSetup&) = delete;  // the regime looks at the graph
  TrainingSetup& operator=(const TrainingSetup&) = delete;

  DataSet data;  // normalised as the model was that it starts from
  Splits splits;
  std::optional<ModelFile> start;  // what train.start names
  Graph graph;
  std::vector<double> exit_cost;  // [K], C_k
  Targets targets;
  std::unique_ptr<Regime> regime;
  std::optional<CostWeights> cost_weights;  // that gates are trained for at once
  // Whether the model it starts from may have learnt images that this run keeps for tuning and guarantees.
  bool start_saw_kept_images = false;
  bool trained_elsewhere = false;  // as in Provenance
};

}  // namespace sooner
