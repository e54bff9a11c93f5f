#include "recipe/phase_plan.h"

namespace sooner {

size_t PhasePlan::index_of(int64_t epoch) const {
  size_t index = 0;
  while (index + 1 < phases_.size() && epoch >= phases_[index].epochs) epoch -= phases_[index++].epochs;
  return index;
}

int64_t PhasePlan::first_epoch(size_t index) const {
  int64_t epoch = 0;
  for (size_t i = 0; i < index; ++i) epoch += phases_[i].epochs;
  return epoch;
}

Moment PhasePlan::moment(int64_t epoch, int64_t step) const {
  const size_t index = index_of(epoch);
  const int64_t first = first_epoch(index);
  const auto done = static_cast<double>(step - first * batches_);
  return {index, epoch - first, done / static_cast<double>(phases_[index].epochs * batches_), step};
}

PhasePlan::Steps PhasePlan::scheduled(size_t index) const {
  size_t first = index, last = index;
  if (!phases_[index].own_schedule) {
    while (first > 0 && !phases_[first - 1].own_schedule) --first;
    while (last + 1 < phases_.size() && !phases_[last + 1].own_schedule) ++last;
  }
  const int64_t begin = first_epoch(first) * batches_;
  return {begin, first_epoch(last + 1) * batches_ - begin};
}

}  // namespace sooner
