// Small measurements of this machine, kept between runs: one file of whole numbers each.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>
#include <vector>

#include "runtime/model.h"

namespace sooner {

// $SOONER_CACHE, else $XDG_CACHE_HOME/sooner, else ~/.cache/sooner, else a folder for temporary files.
std::filesystem::path default_cache_folder();

// What an earlier call measured under this name for the same model, machine, backend, precision and batch_max, or what
// `measure` gives now. A file in `folder` (made when missing) that cannot be read or written, or whose numbers are not
// `count` of 1 to `most`, is passed over.
std::vector<int32_t> measured_once(const std::filesystem::path& folder, std::string_view name, const Model& model,
                                   size_t count, int32_t most, const std::function<std::vector<int32_t>()>& measure);

}  // namespace sooner
