#include "data/stratify.h"

#include <span>

#include "core/rng.h"

namespace sooner {

std::vector<std::vector<int64_t>> shuffled_by_class(const ImageSource& source, int64_t classes, uint64_t seed) {
  std::vector<std::vector<int64_t>> by_class(static_cast<size_t>(classes));
  for (int64_t i = 0; i < source.size(); ++i) by_class.at(static_cast<size_t>(source.label(i))).push_back(i);
  for (size_t label = 0; label < by_class.size(); ++label) {
    Rng rng{seed, 0x5b117, label};
    shuffle(std::span(by_class[label]), rng);
  }
  return by_class;
}

}  // namespace sooner
