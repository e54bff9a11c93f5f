#include "recipe/train_config.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "recipe/data_options.h"
#include "recipe/preset.h"
#include "recipe/regime_kind.h"

namespace sooner {
namespace {

constexpr double kMany = 1e9;

void add_data(std::vector<Option>& options, TrainConfig& config) {
  options.push_back({"", "name", "Names the run folder: runs/<name>-<n>.", &config.name});
  add_data_options(options, config.data);
  add_split_options(options, config.split);
  AugmentOptions& augment = config.augment;
  options.push_back({"augment", "flip", "Mirror left-right with probability 1/2. Off for digits.", &augment.flip});
  options.push_back({"augment", "alternate_flips",
                     "Flip by chance in the first epoch alone, then every picture in every other epoch.",
                     &augment.alternate_flips});
  options.push_back({"augment", "pad_crop", "Shift by up to this many pixels each way; 0: off. 4 is usual for CIFAR.",
                     &augment.pad_crop, 0, 1024});
  options.push_back({"augment", "rotate_degrees", "Rotate by up to this many degrees each way; 0: off.",
                     &augment.rotate_degrees, 0, 180});
  options.push_back({"augment", "scale", "Scale by a factor within 1 ± this; 0: off.", &augment.scale, 0, 0.9});
  options.push_back({"augment", "shear", "Shear by up to this many columns per row; 0: off.", &augment.shear, 0, 2});
  options.push_back(
      {"augment", "translate", "Shift by up to this share of each side; 0: off.", &augment.translate, 0, 1});
  options.push_back({"augment", "cutout", "Side in pixels of a square that turns to the mean colour; 0: off.",
                     &augment.cutout, 0, 1024});
  options.push_back(
      {"augment", "mixup",
       "Mix pictures of a batch by two, and their labels: alpha of the shares' Beta distribution; 0: off.",
       &config.mixing.mixup, 0, 100});
  options.push_back({"augment", "cutmix",
                     "Paste a rectangle of one picture into another, and mix their labels: alpha, as of mixup; 0: off. "
                     "With both, every step takes one by chance.",
                     &config.mixing.cutmix, 0, 100});
}

void add_network(std::vector<Option>& options, TrainConfig& config) {
  NetworkDescription& network = config.network;
  options.push_back(
      {"network", "backbone",
       fmt::format(
           "{}, or another resnet<6n+2>; variants such as :w<width>, :bn, :cifar, :no-bn as src/zoo/zoo.h has them; or "
           "model:<path>, the network of a model file.",
           fmt::join(backbone_names(), " | ")),
       &network.backbone});
  options.push_back({"network", "exits",
                     "Where: fractions:.3,.65 of the MACs | linear:2, pareto:2, fine:2, golden:2 | every | "
                     "names:conv1,layer2.0 | kept (those of a model: backbone) | none."
                     " Ignored by the plain regime.",
                     &network.exits});
  options.push_back({"network", "head",
                     "gap-fc | pool-fc[:S] | conv-gap-fc[:C] | conv2-fc[:C] | branchy[:layers]; one for all exits, or "
                     "one each between ';'.",
                     &network.head});
  options.push_back(
      {"network",
       "gate",
       "What a gate reads: features | scores (of its exit's answer) | both. Only differentiable has gates.",
       &network.gate,
       0,
       0,
       {"none", "features", "scores", "both"}});
}

// "plain (no exits) | joint (…) | …"
std::string regimes_text() {
  std::vector<std::string> words;
  for (const RegimeKind& kind : regime_kinds()) words.push_back(fmt::format("{} ({})", kind.name, kind.summary));
  return fmt::format("{}.", fmt::join(words, " | "));
}

void add_recipe(std::vector<Option>& options, RecipeConfig& train) {
  options.push_back({"train", "preset",
                     "Where the options of train and augment begin that are not given: none | quick | strong (for "
                     "natural pictures; see docs/recipes.md).",
                     &train.preset, 0, 0, preset_names()});
  options.push_back({"train", "regime", regimes_text(), &train.regime, 0, 0, regime_names()});
  options.push_back(
      {"train", "start",
       "Model file whose weights training begins from, by name, and whose preprocessing is kept; empty: seeded "
       "ones, or those of a model: backbone. classifier-wise and mixed then skip the backbone's phase.",
       &train.start});
  options.push_back({"train", "epochs", "Passes over the training split.", &train.epochs, 1, 100000});
  options.push_back({"train", "batch_size", "Images a step. An incomplete last batch of an epoch is left out.",
                     &train.batch_size, 1, 65536});
  options.push_back({"train", "learning_rate", "Peak of the schedule.", &train.learning_rate, 0, 100});
  options.push_back({"train", "momentum", "Of stochastic gradient descent; 0: none.", &train.momentum, 0, 0.9999});
  options.push_back({"train", "nesterov", "Nesterov's form of momentum.", &train.nesterov});
  options.push_back({"train", "weight_decay",
                     "L2 on weights of convolutions and linear layers (not biases, normalisation, gates); 0: off.",
                     &train.weight_decay, 0, 1});
  options.push_back(
      {"train", "shift_rate", "Times the learning rate, for the shifts of normalisation.", &train.shift_rate, 0, 1000});
  options.push_back({"train",
                     "schedule",
                     "Of the learning rate, per step: one-cycle | cosine | step (x 0.1 at 1/2 and 3/4) | constant.",
                     &train.schedule,
                     0,
                     0,
                     {"one-cycle", "cosine", "step", "constant"}});
  options.push_back({"train", "schedule_warmup", "Share of all steps in which the rate rises to its peak; 0: none.",
                     &train.schedule_warmup, 0, 0.9});
  options.push_back({"train", "label_smoothing",
                     "Share of the label spread over all classes, in the cross-entropies of single exits; 0: off.",
                     &train.label_smoothing, 0, 0.9});
  options.push_back({"train", "average_decay",
                     "Of a moving average of the weights, a step, which is what is validated and kept, with "
                     "normalisation statistics of its own; 0: off.",
                     &train.average_decay, 0, 0.999999});
  options.push_back({"train",
                     "initialisation",
                     "Of convolutions: kaiming (normal) | identity (they pass on what they read).",
                     &train.initialisation,
                     0,
                     0,
                     {"kaiming", "identity"}});
  options.push_back({"train", "whiten", "The first convolution decorrelates the pictures' patches, and stays as it is.",
                     &train.whiten});
  options.push_back(
      {"train",
       "class_balance",
       "Weights of classes in losses: none | inverse (1/n of n images) | effective ((1-b)/(1-b^n): Cui et "
       "al., 2019). For data where some classes are rare.",
       &train.class_balance,
       0,
       0,
       {"none", "inverse", "effective"}});
  options.push_back({"train", "class_balance_beta", "b of effective: nearer 1, nearer inverse.",
                     &train.class_balance_beta, 0, 0.999999});
  options.push_back({"train", "seed", "Of initial weights, order and augmentation.", &train.seed, 0, 9e15});
  options.push_back({"train",
                     "device",
                     "cpu | cuda | auto (cuda where there is one).",
                     &train.device,
                     0,
                     0,
                     {"cpu", "cuda", "auto"}});
  options.push_back({"train",
                     "precision",
                     "fp32 | bf16 (autocast; weights and losses stay fp32) | auto (bf16 where it is faster).",
                     &train.precision,
                     0,
                     0,
                     {"fp32", "bf16", "auto"}});
  options.push_back({"train",
                     "channels_last",
                     "Memory order of images: on | off | auto (on: it was faster wherever measured).",
                     &train.channels_last,
                     0,
                     0,
                     {"on", "off", "auto"}});
  options.push_back({"train", "threads",
                     "For arithmetic; 0: every processor. A resumed run needs the same for the same bits.",
                     &train.threads, 0, 1024});
  options.push_back({"train", "loader_threads", "That read and augment images; results do not depend on it.",
                     &train.loader_threads, 1, 256});
  options.push_back({"train", "checkpoint_steps",
                     "Also save every so many steps within an epoch; 0: at epoch ends only.", &train.checkpoint_steps,
                     0, kMany});
  options.push_back({"train",
                     "feature_cache",
                     "Whether what frozen stages give is kept in the run folder (as bf16) instead of being computed at "
                     "every step: on | off | auto (on where images are not augmented).",
                     &train.feature_cache,
                     0,
                     0,
                     {"on", "off", "auto"}});
  options.push_back({"train", "feature_draws", "Of augmentation that it then keeps; epochs take turns.",
                     &train.feature_draws, 1, 1000});
}

// Every option, in the order it is written; `config` is read and written through it. With `all`, those of regimes that
// `config` does not use, too.
std::vector<Option> options_of(TrainConfig& config, bool all) {
  std::vector<Option> options;
  add_data(options, config);
  add_network(options, config);
  add_recipe(options, config.train);
  RegimeOptions own(config.regimes, options);
  for (const RegimeKind& kind : regime_kinds()) {
    if (all || kind.name == config.train.regime) kind.declare(own);
  }
  return options;
}

void resolve(TrainConfig& config, const std::string& file) {
  const RegimeKind& regime = regime_kind(config.train.regime);
  if (!regime.exits) config.network.exits = "none";
  if (!regime.gates) config.network.gate = "none";
  config.network.cascade = regime.cascade;
  if (config.network.backbone.starts_with(kModelBackbone)) {
    if (config.train.start.empty()) config.train.start = config.network.backbone.substr(kModelBackbone.size());
  } else if (config.network.exits == kKeptExits) {
    fail(
        Code::kInvalidArgument,
        "[config] {}: network.exits is kept, but backbone '{}' has none of its own; name a model:<path>, or place some",
        file, config.network.backbone);
  }
  if (config.network.exits == kKeptExits && config.network.head != NetworkDescription{}.head) {
    fail(Code::kInvalidArgument,
         "[config] {}: network.head is '{}', but kept exits keep their heads; leave it out, or place exits anew", file,
         config.network.head);
  }
  if (regime.exits && config.network.exits == "none") {
    fail(Code::kInvalidArgument,
         "[config] {}: regime {} needs exits, but network.exits is none; place some or use plain", file, regime.name);
  }
  if (regime.gates && config.network.gate == "none") {
    fail(Code::kInvalidArgument, "[config] {}: regime {} needs gates, but network.gate is none; use both", file,
         regime.name);
  }
  if (config.data.image_shape.size() != 3) {
    fail(Code::kInvalidArgument, "[config] {}: data.image_shape has {} extents, expected [channels, rows, columns]",
         file, config.data.image_shape.size());
  }
  if (config.name.empty() || config.name.find('/') != std::string::npos || config.name.starts_with('.')) {
    fail(Code::kInvalidArgument, "[config] {}: name '{}' cannot name a folder; use letters, digits, - and _", file,
         config.name);
  }
  if (!config.train.start.empty() && (config.train.whiten || config.train.initialisation != "kaiming")) {
    fail(Code::kInvalidArgument,
         "[config] {}: train.whiten and initialisation begin with weights of their own, but train.start is '{}'; set "
         "whiten = false and initialisation = \"kaiming\"",
         file, config.train.start);
  }
  if (config.mixing.any() && config.train.feature_cache == "on") {
    fail(Code::kInvalidArgument,
         "[config] {}: train.feature_cache is on, but augment.mixup and cutmix mix pictures anew at every step; turn "
         "one of them off",
         file);
  }
  if (config.train.learning_rate <= 0) {
    fail(Code::kInvalidArgument, "[config] {}: train.learning_rate is 0, expected more", file);
  }
}

}  // namespace

namespace {

// What the configuration asks for, whatever else it says.
std::string preset_of(std::string_view text, const std::string& file, const std::vector<std::string>& sets) {
  TrainConfig config;
  std::vector<Option> options = options_of(config, true);
  std::erase_if(options, [&](const Option& option) { return option.path() != kPresetPath; });
  read_known_options(text, file, options);
  for (const std::string& word : sets) {
    if (word.starts_with(fmt::format("{}=", kPresetPath))) set_option(word, options);
  }
  return config.train.preset;
}

}  // namespace

TrainConfig::TrainConfig() { static_cast<void>(options_of(*this, true)); }

TrainConfig parse_config(std::string_view text, const std::string& file, const std::vector<std::string>& sets) {
  TrainConfig config;
  const std::vector<Option> options = options_of(config, true);
  apply_preset(preset_of(text, file, sets), config.train, config.augment);
  read_options(text, file, options);
  for (const std::string& word : sets) set_option(word, options);
  resolve(config, file);
  return config;
}

TrainConfig load_config(const std::filesystem::path& path, const std::vector<std::string>& sets) {
  return parse_config(read_text(path, size_t{1} << 20U), path.string(), sets);
}

std::string to_toml(const TrainConfig& config) {
  TrainConfig copy = config;
  return write_options(options_of(copy, false));
}

std::string config_hash(const TrainConfig& config) {
  TrainConfig copy = config;
  const RecipeConfig defaults;
  copy.data.data_dir.clear();
  copy.train.device = defaults.device;
  copy.train.threads = defaults.threads;
  copy.train.loader_threads = defaults.loader_threads;
  copy.train.checkpoint_steps = defaults.checkpoint_steps;
  return hash_hex(hash_bytes(write_options(options_of(copy, false), /*comments=*/false)));
}

}  // namespace sooner
