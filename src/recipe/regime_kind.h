// The training regimes there are: their names, what each asks of a network, and the options that are its own.
//
// How a regime trains is the trainer's (train/regime.h), which has a maker for every row of this table.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "recipe/regime_settings.h"

namespace sooner {

struct RegimeKind {
  std::string_view name;
  std::string_view summary;  // a few words
  bool exits = true;         // needs early exits; false: has none
  bool gates = false;        // needs a gate at each
  bool cascade = false;      // heads also read the exit before
  bool sums = false;         // an exit's answer is added to those before it
  bool numbers = true;       // trains networks that answer with a number, too
  void (*declare)(RegimeOptions& options) = [](RegimeOptions&) {};
};

// All, in the order shown to people.
std::span<const RegimeKind> regime_kinds();
// Throws kInvalidArgument naming the nearest.
const RegimeKind& regime_kind(std::string_view name);
std::vector<std::string> regime_names();

}  // namespace sooner
