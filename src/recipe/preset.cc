#include "recipe/preset.h"

#include "core/error.h"
#include "core/text.h"

namespace sooner {
namespace {

// Few epochs at a high rate, for networks of wide convolutions (after Page, 2019, and Jordan, 2024).
void quick(RecipeConfig& train, AugmentOptions& augment) {
  train.epochs = 16;
  train.batch_size = 500;
  train.learning_rate = 0.5;
  train.momentum = 0.9;
  train.weight_decay = 5e-4;
  train.schedule = "one-cycle";
  train.schedule_warmup = 0.2;
  train.label_smoothing = 0.1;
  train.average_decay = 0.99;
  train.initialisation = "identity";
  train.whiten = true;
  train.shift_rate = 8;
  augment.flip = true;
  augment.alternate_flips = true;
  augment.pad_crop = 2;
}

// More epochs, and pictures changed more: for whatever is trained until it is as good as it gets.
void strong(RecipeConfig& train, AugmentOptions& augment) {
  quick(train, augment);
  train.epochs = 40;
  train.average_decay = 0.998;
  augment.pad_crop = 4;
  augment.cutout = 8;
}

}  // namespace

std::vector<std::string> preset_names() { return {"none", "quick", "strong"}; }

void apply_preset(std::string_view name, RecipeConfig& train, AugmentOptions& augment) {
  if (name == "quick") return quick(train, augment);
  if (name == "strong") return strong(train, augment);
  if (name == "none") return;
  fail(Code::kInvalidArgument, "[config] preset '{}' is unknown; {}", name, suggest(name, preset_names()));
}

}  // namespace sooner
