#include "tune/abstention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include "core/error.h"

namespace sooner {
namespace {

// Samples answered, and how many of them wrongly.
struct Answered {
  int64_t samples = 0;
  int64_t wrong = 0;
};

int64_t is_wrong(const ScoreTable& table, size_t exit, size_t n) { return table.quality[exit][n] == 0 ? 1 : 0; }

bool meets(const Answered& answered, AbstainGoal goal, double value, int64_t samples) {
  // 0.95 of 20 samples is 19, whatever 0.95 * 20 rounds to.
  constexpr double kRounding = 1e-9;
  if (goal == AbstainGoal::kCoverage) {
    return static_cast<double>(answered.samples) >= value * static_cast<double>(samples) - kRounding;
  }
  return static_cast<double>(answered.wrong) <= value * static_cast<double>(answered.samples) + kRounding;
}

}  // namespace

double abstain_threshold(const ScoreTable& table, std::span<const int32_t> taken, const Abstention& wanted) {
  const auto [goal, value] = wanted;
  if (!(value >= 0 && value <= 1)) {
    fail(Code::kInvalidArgument, "[abstain] got {}, expected a fraction of the samples, 0 to 1", value);
  }
  if (table.samples < 1) fail(Code::kInvalidArgument, "[abstain] got no samples, expected at least 1");
  const size_t last = table.scores.size() - 1;
  const std::vector<float>& score = table.scores[last];
  std::vector<size_t> unsure;  // who come to the last exit
  Answered answered;
  for (size_t n = 0; n < taken.size(); ++n) {
    const auto exit = static_cast<size_t>(taken[n]);
    if (exit == last) {
      unsure.push_back(n);
    } else {
      ++answered.samples;
      answered.wrong += is_wrong(table, exit, n);
    }
  }
  std::ranges::sort(unsure, [&](size_t a, size_t b) { return score[a] > score[b]; });

  // How many of them to answer: the fewest that meet a coverage, the most that keep to an error.
  std::optional<size_t> chosen;
  const Answered early = answered;
  for (size_t i = 0;; ++i) {
    const bool ties = i > 0 && i < unsure.size() && score[unsure[i]] == score[unsure[i - 1]];
    if (!ties && meets(answered, goal, value, table.samples)) {
      chosen = i;
      if (goal == AbstainGoal::kCoverage) break;
    }
    if (i == unsure.size()) break;
    ++answered.samples;
    answered.wrong += is_wrong(table, last, unsure[i]);
  }
  if (!chosen) {
    fail(Code::kFailedPrecondition,
         "[abstain] {:.2f} % of the {} samples that leave early are answered wrongly, and no part of the others brings "
         "that down to {:.2f} %; make fewer leave early",
         100 * static_cast<double>(early.wrong) / static_cast<double>(std::max<int64_t>(1, early.samples)),
         early.samples, 100 * value);
  }
  if (*chosen == unsure.size()) return -std::numeric_limits<double>::infinity();
  const float below = score[unsure[*chosen]];
  if (*chosen == 0) return static_cast<double>(std::nextafter(below, std::numeric_limits<float>::infinity()));
  const auto above = static_cast<double>(score[unsure[*chosen - 1]]);
  const double middle = above / 2 + static_cast<double>(below) / 2;
  return std::isfinite(middle) ? middle : above;
}

}  // namespace sooner
