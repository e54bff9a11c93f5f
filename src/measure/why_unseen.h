// May a promise rest on these samples? Not where the network may have learnt them.
#pragma once

#include <string_view>

#include "format/manifest.h"
#include "policy/unseen.h"

namespace sooner {

// Why a network with this provenance is taken not to have learnt what its data set keeps for calibration. data_hash: of
// that data set's content; empty: not known, and the name must do. on_word: whoever calibrates gives their word.
// Throws kFailedPrecondition, with the remedy, where the network was trained elsewhere and nobody does.
Unseen why_unseen(const Provenance& provenance, std::string_view data_set, std::string_view data_hash, bool on_word);

}  // namespace sooner
