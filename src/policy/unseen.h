// Why a network is taken not to have learnt the samples that a promise rests on. Without that, a promise is void: a
// network is surer, and more often right, about what it was trained on.
#pragma once

#include <cstdint>
#include <string_view>

namespace sooner {

enum class Unseen : uint8_t {
  kRecorded,   // its training is on record, and kept them back
  kElsewhere,  // they are of another data set than any its training is on record with
  kUserWord,   // the training is not on record; whoever calibrated gave their word
};
// "recorded", "elsewhere", "user-word".
std::string_view to_string(Unseen unseen);
// Throws kInvalidArgument for another word, naming the nearest.
Unseen unseen_from_string(std::string_view text);

}  // namespace sooner
