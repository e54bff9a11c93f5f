#include "tune/choosing/cut_problem.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sooner {
namespace {

// Steps to a unit of quality: a power of two by which the largest gain lies between 2^27 and 2^28.
double steps_per_unit(const ScoreTable& table) {
  constexpr int kBits = 28;
  double largest = 0;
  for (const std::vector<float>& quality : table.quality) {
    for (size_t n = 0; n < quality.size(); ++n) {
      largest =
          std::max(largest, std::abs(static_cast<double>(quality[n]) - static_cast<double>(table.quality.back()[n])));
    }
  }
  return largest > 0 ? std::exp2(kBits - 1 - std::ilogb(largest)) : 1;
}

}  // namespace

CutProblem::CutProblem(const ScoreTable& table, double drop) : samples(static_cast<size_t>(table.samples)) {
  const auto early = static_cast<size_t>(table.exits - 1);
  const double steps = steps_per_unit(table);
  // A drop of 0.003 of 1,000 samples is 3 answers, whatever 0.003 * 1000 rounds to.
  const double lost = (drop * static_cast<double>(table.samples) + 1e-9) * steps;
  allowance = static_cast<int64_t>(std::min(std::floor(lost), 0x1p62));
  for (size_t k = 0; k < early; ++k) {
    const std::vector<float>& scores = table.scores[k];
    std::vector<int32_t> by_score;
    for (size_t n = 0; n < samples; ++n) {
      if (static_cast<double>(scores[n]) != kNoScore) by_score.push_back(static_cast<int32_t>(n));
    }
    std::sort(by_score.begin(), by_score.end(), [&](int32_t a, int32_t b) {
      const float score_a = scores[static_cast<size_t>(a)];
      const float score_b = scores[static_cast<size_t>(b)];
      return score_a != score_b ? score_a > score_b : a < b;
    });
    std::vector<int32_t> groups(samples, kNoGroup);
    std::vector<double> group_scores;
    for (const int32_t sample : by_score) {
      const auto n = static_cast<size_t>(sample);
      const auto value = static_cast<double>(scores[n]);
      if (group_scores.empty() || value < group_scores.back()) group_scores.push_back(value);
      groups[n] = static_cast<int32_t>(group_scores.size()) - 1;
    }
    std::vector<int32_t> gains(samples);
    for (size_t n = 0; n < samples; ++n) {
      const double gained = static_cast<double>(table.quality[k][n]) - static_cast<double>(table.quality[early][n]);
      gains[n] = static_cast<int32_t>(std::floor(gained * steps));
    }
    order.push_back(std::move(by_score));
    group.push_back(std::move(groups));
    score.push_back(std::move(group_scores));
    saving.push_back(table.exit_cost[early] - table.exit_cost[k]);
    gain.push_back(std::move(gains));
  }
}

std::vector<double> CutProblem::thresholds(std::span<const int32_t> cuts) const {
  std::vector<double> result;
  for (size_t k = 0; k < cuts.size(); ++k) {
    result.push_back(cuts[k] == 0 ? std::numeric_limits<double>::infinity()
                                  : score[k][static_cast<size_t>(cuts[k]) - 1]);
  }
  return result;
}

CutValue value_of(const CutProblem& problem, std::span<const int32_t> cuts) {
  CutValue value;
  std::vector<int64_t> left(problem.exits(), 0);
  for (size_t n = 0; n < problem.samples; ++n) {
    for (size_t k = 0; k < problem.exits(); ++k) {
      if (problem.group[k][n] >= cuts[k]) continue;
      ++left[k];
      value.gain += problem.gain[k][n];
      break;
    }
  }
  for (size_t k = 0; k < left.size(); ++k) value.saving += static_cast<double>(left[k]) * problem.saving[k];
  return value;
}

void CutSweep::fill_tree(size_t second, const Setting& setting) {
  last_cut_.clear();
  for (const int32_t sample : problem_->order[second]) {
    const auto n = static_cast<size_t>(sample);
    if (setting.reach[n] != Reach::kBoth) continue;
    const int32_t cut = problem_->group[second][n] + 1;
    if (last_cut_.empty() || last_cut_.back() != cut) last_cut_.push_back(cut);
    place_[n] = static_cast<int32_t>(last_cut_.size()) - 1;
  }
  tree_.reset(last_cut_.size());
  for (size_t n = 0; n < problem_->samples; ++n) {
    if (setting.reach[n] != Reach::kBoth || problem_->group[second][n] == kNoGroup) continue;
    const double rest_saving = setting.rest_saving.empty() ? 0 : setting.rest_saving[n];
    const int32_t rest_gain = setting.rest_gain.empty() ? 0 : setting.rest_gain[n];
    tree_.fill(static_cast<size_t>(place_[n]), problem_->gain[second][n] - rest_gain,
               problem_->saving[second] - rest_saving);
  }
  tree_.build();
}

std::optional<CutSweep::Best> CutSweep::run(size_t first, size_t second, const Setting& setting, double floor) {
  fill_tree(second, setting);
  const double tolerance = saving_tolerance(*problem_);
  std::optional<Best> best;
  CutValue value = setting.start;
  const auto try_cut = [&](int32_t first_cut) {
    const double at_stake = value.saving + tree_.total_saving();
    if (best ? at_stake < best->value.saving - tolerance : at_stake <= floor) return;
    const auto prefix = tree_.longest(-problem_->allowance - value.gain);
    if (!prefix) return;
    const CutValue found{value.saving + prefix->saving, value.gain + prefix->gain};
    const bool better = best ? found.saving > best->value.saving + tolerance ||
                                   (found.saving > best->value.saving - tolerance && found.gain > best->value.gain)
                             : found.saving > floor;
    if (better) best = Best{found, first_cut, prefix->places == 0 ? 0 : last_cut_[prefix->places - 1]};
  };
  try_cut(0);
  if (first == second) return best;

  const std::vector<int32_t>& order = problem_->order[first];
  for (size_t i = 0; i < order.size();) {
    const int32_t group = problem_->group[first][static_cast<size_t>(order[i])];
    bool moved = false;
    for (; i < order.size() && problem_->group[first][static_cast<size_t>(order[i])] == group; ++i) {
      const auto n = static_cast<size_t>(order[i]);
      if (setting.reach[n] == Reach::kNeither) continue;
      const double rest_saving = setting.rest_saving.empty() ? 0 : setting.rest_saving[n];
      const int32_t rest_gain = setting.rest_gain.empty() ? 0 : setting.rest_gain[n];
      value.saving += problem_->saving[first] - rest_saving;
      value.gain += problem_->gain[first][n] - rest_gain;
      if (setting.reach[n] == Reach::kBoth && problem_->group[second][n] != kNoGroup) {
        tree_.add(static_cast<size_t>(place_[n]), rest_gain - problem_->gain[second][n],
                  rest_saving - problem_->saving[second]);
      }
      moved = true;
    }
    if (moved) try_cut(group + 1);
  }
  return best;
}

}  // namespace sooner
