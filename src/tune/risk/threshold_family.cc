#include "tune/risk/threshold_family.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>

#include "core/error.h"
#include "tune/choosing/accuracy_drop.h"

namespace sooner {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Multiples of the aim.
constexpr std::array kMilestones = {0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0};
constexpr size_t kAim = 4;
constexpr int kSteps = 16;  // from a milestone to the next
// With three or more early exits thresholds cannot all be tried; a milestone need not be the very cheapest.
constexpr int64_t kProof = 2'000'000;

// How many samples stand at or above each exit's threshold, [M].
using Ranks = std::vector<int64_t>;

// Thresholds as ranks, and back.
class Ranking {
 public:
  explicit Ranking(const ScoreTable& table) {
    for (size_t k = 0; k + 1 < table.scores.size(); ++k) {
      surest_first_.push_back(table.scores[k]);
      std::sort(surest_first_.back().begin(), surest_first_.back().end(), std::greater<>());
    }
  }

  [[nodiscard]] Ranks ranks(const std::vector<double>& thresholds) const {
    Ranks result;
    for (size_t k = 0; k < thresholds.size(); ++k) {
      const auto& scores = surest_first_[k];
      const auto end = std::partition_point(scores.begin(), scores.end(), [&](float score) {
        return static_cast<double>(score) >= thresholds[k] && thresholds[k] < kInfinity;
      });
      result.push_back(end - scores.begin());
    }
    return result;
  }

  // Between two scores where there is room; the least sure score for all of them.
  [[nodiscard]] std::vector<double> thresholds(const Ranks& ranks) const {
    std::vector<double> result;
    for (size_t k = 0; k < ranks.size(); ++k) {
      const auto& scores = surest_first_[k];
      const auto rank = static_cast<size_t>(ranks[k]);
      if (rank == 0) {
        result.push_back(kInfinity);
      } else if (rank == scores.size()) {
        result.push_back(static_cast<double>(scores.back()));
      } else {
        result.push_back(static_cast<double>(scores[rank - 1]) / 2 + static_cast<double>(scores[rank]) / 2);
      }
    }
    return result;
  }

 private:
  std::vector<std::vector<float>> surest_first_;  // [M][N]
};

// Moves `ranks` to the side of `safer` that is riskier, or the other way.
void raise_to(const Ranks& safer, Ranks& ranks) {
  for (size_t k = 0; k < ranks.size(); ++k) ranks[k] = std::max(ranks[k], safer[k]);
}
void lower_to(const Ranks& riskier, Ranks& ranks) {
  for (size_t k = 0; k < ranks.size(); ++k) ranks[k] = std::min(ranks[k], riskier[k]);
}

std::vector<Ranks> milestones(const ScoreTable& table, const ExitLosses& losses, double aim, const Ranking& ranking) {
  // A sample that costs nothing is one answered rightly.
  ScoreTable harmless = table;
  for (size_t k = 0; k < losses.size(); ++k) {
    for (size_t n = 0; n < losses[k].size(); ++n) harmless.quality[k][n] = losses[k][n] < 0.5 ? 1.0F : 0.0F;
  }
  std::vector<Ranks> result;
  for (const double multiple : kMilestones) {
    const double risk = std::min(1.0, aim * multiple);
    result.push_back(ranking.ranks(choose_by_accuracy_drop(harmless, risk, {.most_steps = kProof}).thresholds));
  }
  for (size_t i = kAim + 1; i < result.size(); ++i) raise_to(result[i - 1], result[i]);
  for (size_t i = kAim; i-- > 0;) lower_to(result[i + 1], result[i]);
  return result;
}

}  // namespace

ThresholdFamily threshold_family(const ScoreTable& table, const ExitLosses& losses, double aim) {
  if (table.samples < 1) fail(Code::kInvalidArgument, "[risk] got no samples to choose thresholds on");
  if (!(aim >= 0 && aim <= 1)) fail(Code::kInvalidArgument, "[risk] got aim {}, expected 0 to 1", aim);
  SOONER_ASSERT(losses.size() == table.scores.size());
  const Ranking ranking(table);
  Ranks from(static_cast<size_t>(table.exits) - 1, 0);
  ThresholdFamily family;
  family.thresholds.push_back(ranking.thresholds(from));
  for (const Ranks& to : milestones(table, losses, aim, ranking)) {
    for (int step = 1; step <= kSteps; ++step) {
      Ranks between = from;
      for (size_t k = 0; k < to.size(); ++k) between[k] += (to[k] - from[k]) * step / kSteps;
      std::vector<double> thresholds = ranking.thresholds(between);
      if (thresholds != family.thresholds.back()) family.thresholds.push_back(std::move(thresholds));
    }
    from = to;
  }
  return family;
}

}  // namespace sooner
