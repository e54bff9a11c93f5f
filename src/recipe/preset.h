// Named recipes: where the options of [train] and [augment] begin that a configuration does not give.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "data/augment.h"
#include "recipe/recipe_config.h"

namespace sooner {

inline constexpr std::string_view kPresetPath = "train.preset";

// none, quick, strong.
std::vector<std::string> preset_names();
// What each is made of, and what it gave: docs/recipes.md. Throws kInvalidArgument for another name.
void apply_preset(std::string_view name, RecipeConfig& train, AugmentOptions& augment);

}  // namespace sooner
