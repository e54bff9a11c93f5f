#include "tune/tables/stratified_halves.h"

#include <algorithm>
#include <vector>

#include "core/error.h"
#include "core/rng.h"

namespace sooner {
namespace {

constexpr uint64_t kSeed = 1;

}  // namespace

std::array<LogitTable, 2> stratified_halves(const LogitTable& table) {
  std::vector<std::vector<int64_t>> by_class(static_cast<size_t>(table.classes));
  for (int64_t n = 0; n < table.samples; ++n) {
    by_class[static_cast<size_t>(table.labels[static_cast<size_t>(n)])].push_back(n);
  }
  std::array<std::vector<int64_t>, 2> halves;
  for (size_t c = 0; c < by_class.size(); ++c) {
    Rng rng{kSeed, c};
    shuffle(std::span(by_class[c]), rng);
    const size_t middle = by_class[c].size() / 2;
    for (size_t i = 0; i < by_class[c].size(); ++i) halves[i < middle ? 0 : 1].push_back(by_class[c][i]);
  }
  for (std::vector<int64_t>& half : halves) std::ranges::sort(half);
  if (halves[0].empty() || halves[1].empty()) {
    fail(Code::kInvalidArgument,
         "[tune] got {} samples to fit a policy on one half and choose its thresholds on the other, expected more of "
         "a class",
         table.samples);
  }
  return {of_samples(table, halves[0]), of_samples(table, halves[1])};
}

}  // namespace sooner
