// How a network is trained, whatever network it is and whatever regime.
#pragma once

#include <cstdint>
#include <string>

namespace sooner {

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

}  // namespace sooner
