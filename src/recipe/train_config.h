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
#include "recipe/recipe_config.h"
#include "recipe/regime_settings.h"
#include "zoo/zoo.h"

namespace sooner {

// What stands before the path of a model file in network.backbone, and the placement that keeps the file's own exits.
inline constexpr std::string_view kModelBackbone = "model:";
inline constexpr std::string_view kKeptExits = "kept";

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
