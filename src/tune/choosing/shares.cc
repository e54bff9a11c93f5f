#include "tune/choosing/shares.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "core/error.h"

namespace sooner {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Scores at one exit of the samples that are still there and may leave, surest first.
std::vector<float> sorted_scores(const std::vector<float>& scores, const std::vector<uint8_t>& gone) {
  std::vector<float> present;
  for (size_t n = 0; n < scores.size(); ++n) {
    if (gone[n] == 0 && static_cast<double>(scores[n]) != kNoScore) present.push_back(scores[n]);
  }
  std::sort(present.begin(), present.end(), std::greater<>());
  return present;
}

// Marks those that leave at the threshold; returns how many.
int64_t send_off(const std::vector<float>& scores, double threshold, std::vector<uint8_t>& gone) {
  int64_t count = 0;
  for (size_t n = 0; n < scores.size(); ++n) {
    if (gone[n] != 0 || !leaves(scores[n], threshold)) continue;
    gone[n] = 1;
    ++count;
  }
  return count;
}

// The score at which the number of samples leaving is nearest to `wanted`; of two as near, the smaller number.
double nearest_threshold(const std::vector<float>& surest_first, int64_t wanted) {
  const auto size = static_cast<int64_t>(surest_first.size());
  wanted = std::clamp<int64_t>(wanted, 0, size);
  if (wanted == 0) return kInfinity;
  const float score = surest_first[static_cast<size_t>(wanted) - 1];
  const auto [begin, end] = std::equal_range(surest_first.begin(), surest_first.end(), score, std::greater<>());
  const int64_t fewer = begin - surest_first.begin();
  const int64_t more = end - surest_first.begin();
  if (more - wanted < wanted - fewer) return static_cast<double>(score);
  if (fewer == 0) return more == wanted ? static_cast<double>(score) : kInfinity;
  return more == wanted ? static_cast<double>(score)
                        : static_cast<double>(surest_first[static_cast<size_t>(fewer) - 1]);
}

}  // namespace

void check_shares(std::span<const double> shares, int32_t exits) {
  if (shares.size() != static_cast<size_t>(exits)) {
    fail(Code::kInvalidArgument, "[tune] got {} exit shares, expected {}: one per exit", shares.size(), exits);
  }
  for (size_t k = 0; k < shares.size(); ++k) {
    if (!(shares[k] >= 0 && shares[k] <= 1)) {
      fail(Code::kInvalidArgument, "[tune] got share {} for exit {}, expected 0 to 1", shares[k], k);
    }
  }
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  if (std::abs(sum - 1) > 1e-6) fail(Code::kInvalidArgument, "[tune] exit shares add up to {}, expected 1", sum);
}

ThresholdChoice choose_by_shares(const ScoreTable& table, std::span<const double> shares) {
  check_shares(shares, table.exits);
  const auto total = static_cast<double>(table.samples);
  std::vector<uint8_t> gone(static_cast<size_t>(table.samples), 0);
  std::vector<double> thresholds;
  double wanted = 0;
  int64_t left = 0;
  for (size_t k = 0; k + 1 < shares.size(); ++k) {
    wanted += shares[k];
    const auto here = shares[k] > 0 ? std::llround(wanted * total) - left : 0;
    thresholds.push_back(nearest_threshold(sorted_scores(table.scores[k], gone), here));
    left += send_off(table.scores[k], thresholds.back(), gone);
  }
  ThresholdChoice choice;
  choice.thresholds = centred(table, thresholds);
  choice.expected = outcome(table, choice.thresholds);
  return choice;
}

std::vector<double> thresholds_at_ranks(const ScoreTable& table, std::span<const double> shares) {
  SOONER_ASSERT(shares.size() == static_cast<size_t>(table.exits));
  std::vector<uint8_t> gone(static_cast<size_t>(table.samples), 0);
  std::vector<double> thresholds;
  for (size_t k = 0; k + 1 < shares.size(); ++k) {
    const std::vector<float> surest_first = sorted_scores(table.scores[k], gone);
    const auto rank =
        std::min(surest_first.size(), static_cast<size_t>(std::floor(static_cast<double>(table.samples) * shares[k])));
    // The rank's own score, unless it has so many equals (patience counts to three) that fewer come nearer.
    thresholds.push_back(nearest_threshold(surest_first, static_cast<int64_t>(rank)));
    send_off(table.scores[k], thresholds.back(), gone);
  }
  return thresholds;
}

}  // namespace sooner
