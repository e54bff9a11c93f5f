#include "eval/auroc.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "core/error.h"

namespace sooner {

std::optional<double> auroc(std::span<const double> scores, std::span<const uint8_t> labels) {
  if (scores.size() != labels.size()) {
    fail(Code::kInvalidArgument, "[auroc] got {} scores and {} labels, expected as many", scores.size(), labels.size());
  }
  if (std::any_of(scores.begin(), scores.end(), [](double score) { return std::isnan(score); })) {
    fail(Code::kInvalidArgument, "[auroc] got a NaN among the scores, expected numbers");
  }
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] < scores[b]; });
  double won = 0;
  int64_t positives = 0;
  int64_t negatives = 0;
  for (size_t i = 0; i < order.size();) {
    int64_t tied_positives = 0;
    int64_t tied_negatives = 0;
    const double score = scores[order[i]];
    for (; i < order.size() && scores[order[i]] == score; ++i)
      ++(labels[order[i]] != 0 ? tied_positives : tied_negatives);
    won += static_cast<double>(tied_positives) *
           (static_cast<double>(negatives) + static_cast<double>(tied_negatives) / 2);
    positives += tied_positives;
    negatives += tied_negatives;
  }
  if (positives == 0 || negatives == 0) return std::nullopt;
  return won / (static_cast<double>(positives) * static_cast<double>(negatives));
}

}  // namespace sooner
