// Everything one training run is told: data, splits, network, recipe. Plain values with their defaults.
//
// Read from TOML and "--set section.key=value" words, written back resolved: what is written reads back to the same
// run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "data/augment.h"
#include "data/open_data_set.h"
#include "data/split.h"
#include "recipe/regime_settings.h"
#include "zoo/zoo.h"

namespace sooner {

// What stands before the path of a model file in network.backbone, and the placement that keeps the file's own exits.
inline constexpr std::string_view kModelBackbone = "model:";
inline constexpr std::string_view kKeptExits = "kept";

// Pictures of a batch mixed by two (train/mixing.h): alpha of Beta(alpha, alpha), by which shares are drawn; 0: off.
struct MixingOptions {
  double mixup = 0;
  double cutmix = 0;
  [[nodiscard]] bool any() const { return mixup > 0 || cutmix > 0; }
};

struct RecipeConfig {
  std::string preset = "none";            // preset.h
  std::string regime = "differentiable";  // regime_kind.h
  std::string start = {};                 // path of a model file
  int32_t epochs = 12;
  int32_t batch_size = 128;
  double learning_rate = 0.1;
  double momentum = 0.9;
  bool nesterov = true;
  double weight_decay = 5e-4;
  double shift_rate = 1;               // factor on the learning rate
  std::string schedule = "one-cycle";  // one-cycle | cosine | step | constant
  double schedule_warmup = 0.25;
  double label_smoothing = 0;
  double average_decay = 0;                // 0: off
  std::string initialisation = "kaiming";  // kaiming | identity
  bool whiten = false;
  std::string class_balance = "none";  // none | inverse | effective
  double class_balance_beta = 0.9999;
  uint64_t seed = 1;
  std::string device = "auto";         // cpu | cuda | auto
  std::string precision = "auto";      // fp32 | bf16 | auto
  std::string channels_last = "auto";  // on | off | auto
  int32_t threads = 0;
  int32_t loader_threads = 1;
  int32_t checkpoint_steps = 0;
  std::string feature_cache = "auto";  // on | off | auto
  int32_t feature_draws = 4;
};

struct TrainConfig {
  TrainConfig();
  std::string name = "run";
  DataOptions data;
  SplitOptions split;
  AugmentOptions augment;
  MixingOptions mixing;
  NetworkDescription network;
  RecipeConfig train;
  RegimeSettings regimes;  // every regime's own options
};

// Reads `text` over the defaults, then each word of `sets`, in order, then resolves what follows from the regime (plain
// has no exits; gates exist only under differentiable). Throws kInvalidArgument with file and line, see
// config_options.h, and for combinations that cannot be.
TrainConfig parse_config(std::string_view text, const std::string& file, const std::vector<std::string>& sets = {});
// Throws kNotFound, kPermissionDenied as well.
TrainConfig load_config(const std::filesystem::path& path, const std::vector<std::string>& sets = {});

// Whole, resolved, commented TOML.
std::string to_toml(const TrainConfig& config);
// 16 hex digits over what is trained and how. Left out is where and how fast: data_dir, device, threads,
// loader_threads, checkpoint_steps.
std::string config_hash(const TrainConfig& config);

}  // namespace sooner
