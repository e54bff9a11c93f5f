#include "tune/tables/score_table.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/parallel.h"

namespace sooner {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

bool leaves(float score, double threshold) {
  if (static_cast<double>(score) == kNoScore) return false;
  return threshold == -kInfinity || (static_cast<double>(score) >= threshold && threshold < kInfinity);
}

int32_t open_exits(const ScoreTable& table) {
  const auto closed = [](const std::vector<float>& scores) {
    return std::ranges::all_of(scores, [](float score) { return static_cast<double>(score) == kNoScore; });
  };
  int32_t open = table.exits;
  while (open > 1 && closed(table.scores[static_cast<size_t>(table.exits - open)])) --open;
  return open;
}

ScoreTable score_table(const LogitTable& table, const PolicySpec& spec) {
  validate(table);
  if (!has_thresholds(spec.name)) {
    fail(Code::kInvalidArgument,
         "[tune] policy '{}' has no thresholds to choose; use entropy, max-prob, margin or gate", spec.name);
  }
  const auto exits = static_cast<size_t>(table.exits);
  PolicySpec staying = bare(spec);
  staying.thresholds.assign(exits - 1, Threshold::nobody());
  staying.class_thresholds.clear();
  const auto policy = make_policy(staying, policy_context(table));
  ScoreTable result{.samples = table.samples, .exits = table.exits, .exit_cost = table.exit_cost};
  if (!table.head_cost.empty()) {
    // Caps and deadlines ask for exits that thresholds alone would skip.
    staying.wrappers.cap = spec.wrappers.cap;
    staying.wrappers.deadline_seconds = spec.wrappers.deadline_seconds;
    const auto wrapped = make_policy(staying, policy_context(table));
    for (int32_t k = 0; k < table.exits; ++k) {
      result.head_cost.push_back(wrapped->needs_exit(k) ? 0 : table.head_cost[static_cast<size_t>(k)]);
    }
  }
  const auto samples = static_cast<size_t>(table.samples);
  result.scores.assign(exits, std::vector<float>(samples));
  result.quality.assign(exits, std::vector<float>(samples));
  result.answers.assign(exits, std::vector<int32_t>(samples));
  for_each_block(table.samples, 256, [&](int64_t begin, int64_t end) {
    std::vector<std::byte> state(policy->state_bytes());
    for (int64_t sample = begin; sample < end; ++sample) {
      const auto n = static_cast<size_t>(sample);
      std::fill(state.begin(), state.end(), std::byte{0});
      for (size_t k = 0; k < exits; ++k) {
        const auto exit = static_cast<int32_t>(k);
        const ExitVerdict verdict = policy->decide(table.observation(sample, exit), state);
        result.scores[k][n] = verdict.score;
        result.answers[k][n] = answered_label(verdict, table.at(sample, exit));
        result.quality[k][n] = table.quality(sample, exit, result.answers[k][n]);
      }
    }
  });
  return result;
}

std::vector<int32_t> exits_taken(const ScoreTable& table, std::span<const double> thresholds) {
  std::vector<int32_t> taken(static_cast<size_t>(table.samples));
  for (size_t n = 0; n < taken.size(); ++n) {
    size_t exit = 0;
    while (exit < thresholds.size() && !leaves(table.scores[exit][n], thresholds[exit])) ++exit;
    taken[n] = static_cast<int32_t>(exit);
  }
  return taken;
}

std::vector<double> cost_of_exits(const ScoreTable& table, std::span<const double> thresholds) {
  std::vector<double> cost = table.exit_cost;
  if (table.head_cost.empty()) return cost;
  double skipped = 0;
  for (size_t k = 0; k < cost.size(); ++k) {
    cost[k] -= skipped;
    if (k < thresholds.size() && thresholds[k] == kInfinity) skipped += table.head_cost[k];
  }
  return cost;
}

Outcome outcome(const ScoreTable& table, std::span<const double> thresholds) {
  SOONER_ASSERT(table.samples > 0 && thresholds.size() + 1 == static_cast<size_t>(table.exits));
  std::vector<int64_t> left(static_cast<size_t>(table.exits), 0);
  double quality = 0;
  const std::vector<int32_t> taken = exits_taken(table, thresholds);
  for (size_t n = 0; n < taken.size(); ++n) {
    const auto exit = static_cast<size_t>(taken[n]);
    ++left[exit];
    quality += static_cast<double>(table.quality[exit][n]);
  }
  const auto total = static_cast<double>(table.samples);
  const std::vector<double> cost = cost_of_exits(table, thresholds);
  Outcome result;
  result.quality = quality / total;
  for (size_t k = 0; k < left.size(); ++k) {
    result.shares.push_back(static_cast<double>(left[k]) / total);
    result.cost += result.shares.back() * cost[k];
  }
  return result;
}

std::vector<double> centred(const ScoreTable& table, std::span<const double> thresholds) {
  const std::vector<int32_t> taken = exits_taken(table, thresholds);
  std::vector<double> result;
  for (size_t k = 0; k < thresholds.size(); ++k) {
    double least_leaving = kInfinity;
    double surest_staying = -kInfinity;
    bool anyone_leaves = false;
    bool anyone_stays = false;
    for (size_t n = 0; n < taken.size(); ++n) {
      const auto exit = static_cast<size_t>(taken[n]);
      const auto score = static_cast<double>(table.scores[k][n]);
      if (exit == k) {
        least_leaving = std::min(least_leaving, score);
        anyone_leaves = true;
      } else if (exit > k) {
        surest_staying = std::max(surest_staying, score);
        anyone_stays = true;
      }
    }
    if (!anyone_leaves) {
      result.push_back(kInfinity);
    } else if (!anyone_stays) {
      result.push_back(least_leaving);
    } else if (std::isfinite(least_leaving) && std::isfinite(surest_staying)) {
      result.push_back(least_leaving / 2 + surest_staying / 2);
    } else {
      result.push_back(thresholds[k]);
    }
  }
  return result;
}

}  // namespace sooner
