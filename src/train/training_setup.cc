#include "train/training_setup.h"

#include "core/error.h"
#include "data/open_data_set.h"
#include "graph/cost.h"
#include "graph/shape_inference.h"
#include "graph/summed_answers.h"
#include "recipe/differentiable_options.h"
#include "recipe/network_source.h"
#include "recipe/regime_kind.h"

namespace sooner {
namespace {

// What is configured for classes does not fit a data set that asks for a number, nor what turns or mirrors images.
void check_fits(const TrainConfig& config, const std::optional<Quantity>& quantity) {
  if (!quantity) return;
  const RegimeKind& regime = regime_kind(config.train.regime);
  if (!regime.numbers) require_classes(quantity, "train", fmt::format("the regime '{}'", regime.name));
  if (config.train.label_smoothing > 0) require_classes(quantity, "train", "train.label_smoothing");
  if (config.mixing.any()) require_classes(quantity, "train", "mixing pictures (augment.mixup, cutmix)");
  if (config.train.class_balance != "none") require_classes(quantity, "train", "train.class_balance");
  if (config.split.imbalance > 1) require_classes(quantity, "train", "split.imbalance");
  const AugmentOptions& augment = config.augment;
  if (!augment.flip && augment.rotate_degrees == 0 && augment.shear == 0) return;
  fail(Code::kInvalidArgument,
       "[train] augment.flip, rotate_degrees and shear change what a regression asks for, the {}; turn them off",
       quantity->name);
}

DataSet open_fitting_data_set(const TrainConfig& config) {
  DataSet data = open_data_set(config.data);
  check_fits(config, data.quantity);
  return data;
}

Splits checked_splits(const DataSet& data, const TrainConfig& config) {
  Splits splits = make_splits(data, config.split);
  if (splits.validation.indices.empty()) {
    fail(Code::kInvalidArgument, "[train] the validation split is empty; raise split.validation (now {})",
         config.split.validation);
  }
  const auto images = static_cast<int64_t>(splits.train.indices.size());
  if (images < config.train.batch_size) {
    fail(Code::kInvalidArgument, "[train] {} training images are fewer than one batch; lower train.batch_size (now {})",
         images, config.train.batch_size);
  }
  return splits;
}

Targets what_is_asked(const DataSet& data, const Splits& splits, const RecipeConfig& recipe) {
  if (data.quantity) return {.standard = standard_of(*data.train, splits.train.indices)};
  std::vector<int64_t> counts(static_cast<size_t>(data.classes()));
  for (const int64_t index : splits.train.indices) ++counts[static_cast<size_t>(data.train->label(index))];
  return {recipe.label_smoothing, class_weights(recipe.class_balance, counts, recipe.class_balance_beta)};
}

// A single value has no deviation.
void check_normalisation(const Graph& graph, int64_t batch_size) {
  if (batch_size > 1) return;
  const std::vector<Shape> shapes = infer_shapes(graph);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].op != OpKind::kBatchNorm || shapes[i].size() < 3 || shapes[i][1] * shapes[i][2] > 1) continue;
    fail(Code::kInvalidArgument,
         "[train] '{}' normalises maps of one pixel over batches of one image, which leaves nothing of them; raise "
         "train.batch_size",
         graph.nodes[i].name);
  }
}

// Whether a model's training kept away from what this run keeps away from.
bool same_splits(const Provenance& provenance, const SplitOptions& now) {
  try {
    const SplitOptions then = parse_config(provenance.config_toml, "provenance").split;
    return then.validation == now.validation && then.calibration == now.calibration && then.seed == now.seed;
  } catch (const Error&) {
    return false;  // of a version that wrote other options: unknown
  }
}

}  // namespace

TrainingSetup::TrainingSetup(const TrainConfig& config)
    : data(open_fitting_data_set(config)),
      splits(checked_splits(data, config)),
      start(load_start(config, data)),
      graph(described_network(config, data, start)),
      exit_cost(compute_cost(graph).exit_fraction),
      targets(what_is_asked(data, splits, config.train)),
      regime(make_regime(config.train.regime, {.graph = graph,
                                               .exit_cost = exit_cost,
                                               .epochs = config.train.epochs,
                                               .started = start.has_value(),
                                               .targets = targets,
                                               .seed = config.train.seed,
                                               .settings = config.regimes})) {
  check_augment_options(config.augment, data.image_shape);
  check_normalisation(graph, config.train.batch_size);
  if (regime_kind(config.train.regime).sums) static_cast<void>(sum_answers(graph));  // throws where that cannot be
  if (regime_kind(config.train.regime).gates) cost_weights = trained_cost_weights(config.regimes);
  if (!start) return;
  // Weights were trained on images normalised in their way, and frozen ones must go on seeing them so.
  data.mean = start->manifest.preprocessing.mean;
  data.std = start->manifest.preprocessing.std;
  const Provenance& origin = start->manifest.provenance;
  start_saw_kept_images = origin.data_hash == data.hash && !same_splits(origin, config.split);
  trained_elsewhere = origin.trained_elsewhere || start_saw_kept_images;
}

}  // namespace sooner
