#include "tune/tables/logit_table.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <numeric>
#include <utility>

#include "core/error.h"
#include "core/parallel.h"
#include "policy/scores.h"

namespace sooner {
namespace {

void check_size(std::string_view what, size_t got, size_t expected) {
  if (got != expected) {
    fail(Code::kInvalidArgument, "[logit table] {} holds {} values, expected {}; record the table again", what, got,
         expected);
  }
}

void check_costs(const LogitTable& table) {
  double before = 0;
  for (size_t k = 0; k < table.exit_cost.size(); ++k) {
    if (!std::isfinite(table.exit_cost[k]) || table.exit_cost[k] <= 0 || table.exit_cost[k] < before) {
      fail(Code::kInvalidArgument, "[logit table] got cost {} at exit {}, expected a positive number not below {}",
           table.exit_cost[k], k, before);
    }
    before = table.exit_cost[k];
  }
}

// By the largest bit pattern without its sign: infinities and NaN lie above every finite number's.
bool all_finite(std::span<const float> values) {
  uint32_t largest = 0;
  for (const float value : values) largest = std::max(largest, std::bit_cast<uint32_t>(value) & 0x7fffffffU);
  return largest < 0x7f800000U;
}

void check_logits(const LogitTable& table) {
  std::atomic<int64_t> first_bad = table.samples;  // in the order of samples, whichever thread is first
  for_each_block(table.samples, 256, [&](int64_t begin, int64_t end) {
    const auto row = static_cast<size_t>(table.exits) * static_cast<size_t>(table.classes);
    const auto block = static_cast<size_t>(begin) * row;
    if (all_finite(table.all_logits().subspan(block, static_cast<size_t>(end - begin) * row))) return;
    int64_t sample = begin;
    while (all_finite(table.all_logits().subspan(static_cast<size_t>(sample) * row, row))) ++sample;
    int64_t known = first_bad;
    while (sample < known && !first_bad.compare_exchange_weak(known, sample)) {
    }
  });
  const int64_t sample = first_bad;
  if (sample == table.samples) return;
  int32_t exit = 0;
  while (all_finite(table.at(sample, exit))) ++exit;
  const std::span<const float> logits = table.at(sample, exit);
  fail(Code::kInvalidArgument,
       "[logit table] got logit {} at sample {}, exit {}, expected finite numbers; the network diverged",
       *std::ranges::find_if_not(logits, [](float logit) { return std::isfinite(logit); }), sample, exit);
}

void check_answers(const LogitTable& table) {
  const auto n = static_cast<size_t>(table.samples);
  check_size("labels", table.labels.size(), table.classes == 1 ? 0 : n);
  check_size("targets", table.targets.size(), table.classes == 1 ? n : 0);
  for (size_t i = 0; i < table.labels.size(); ++i) {
    if (table.labels[i] < 0 || table.labels[i] >= table.classes) {
      fail(Code::kInvalidArgument, "[logit table] got label {} at sample {}, expected 0 to {}", table.labels[i], i,
           table.classes - 1);
    }
  }
  const auto bad = std::ranges::find_if_not(table.targets, [](float target) { return std::isfinite(target); });
  if (bad != table.targets.end()) {
    fail(Code::kInvalidArgument, "[logit table] got target {} at sample {}, expected finite numbers", *bad,
         bad - table.targets.begin());
  }
}

}  // namespace

std::vector<double> cost_of_exits(const LogitTable& table, const ExitPolicy& policy) {
  std::vector<double> cost = table.exit_cost;
  if (table.head_cost.empty()) return cost;
  double skipped = 0;
  for (int32_t k = 0; k < table.exits; ++k) {
    cost[static_cast<size_t>(k)] -= skipped;
    if (!policy.needs_exit(k)) skipped += table.head_cost[static_cast<size_t>(k)];
  }
  return cost;
}

void validate(const LogitTable& table) {
  if (table.samples < 1) fail(Code::kInvalidArgument, "[logit table] got no samples, expected at least 1");
  if (table.exits < 1) fail(Code::kInvalidArgument, "[logit table] got {} exits, expected at least 1", table.exits);
  if (table.classes < 1)
    fail(Code::kInvalidArgument, "[logit table] got {} classes, expected at least 1", table.classes);
  const auto n = static_cast<size_t>(table.samples);
  const auto k = static_cast<size_t>(table.exits);
  check_size("logits", table.all_logits().size(), n * k * static_cast<size_t>(table.classes));
  check_size("gates", table.gates.size(), n * (k - 1));
  check_size("exit_cost", table.exit_cost.size(), k);
  if (!table.head_cost.empty()) check_size("head_cost", table.head_cost.size(), k);
  if (!table.elapsed_seconds.empty() || !table.stage_seconds.empty()) {
    check_size("elapsed_seconds", table.elapsed_seconds.size(), n * k);
    check_size("stage_seconds", table.stage_seconds.size(), k);
  }
  if (!table.wait_seconds.empty()) check_size("wait_seconds", table.wait_seconds.size(), n * (k - 1));
  check_costs(table);
  check_answers(table);
  for (size_t i = 0; i < table.gates.size(); ++i) {
    if (table.gates[i] < 0 || table.gates[i] > 1) {
      fail(Code::kInvalidArgument, "[logit table] got gate {} at sample {}, exit {}, expected 0 to 1", table.gates[i],
           i / (k - 1), i % (k - 1));
    }
  }
  check_logits(table);
}

LogitTable of_samples(const LogitTable& table, std::span<const int64_t> samples) {
  LogitTable part{.samples = static_cast<int64_t>(samples.size()), .exits = table.exits, .classes = table.classes};
  part.exit_cost = table.exit_cost;
  part.head_cost = table.head_cost;
  part.stage_seconds = table.stage_seconds;
  part.cost_weights = table.cost_weights;
  const auto take = [&](const auto& rows, auto& into) {
    const size_t width = rows.size() / static_cast<size_t>(table.samples);
    into.reserve(width * samples.size());
    for (const int64_t n : samples) {
      const auto begin = rows.begin() + static_cast<ptrdiff_t>(static_cast<size_t>(n) * width);
      into.insert(into.end(), begin, begin + static_cast<ptrdiff_t>(width));
    }
  };
  take(table.all_logits(), part.logits);
  take(table.gates, part.gates);
  take(table.labels, part.labels);
  take(table.targets, part.targets);
  take(table.elapsed_seconds, part.elapsed_seconds);
  take(table.wait_seconds, part.wait_seconds);
  return part;
}

PolicyContext policy_context(const LogitTable& table) {
  const bool gates = table.exits > 1 && !table.gates.empty() &&
                     std::none_of(table.gates.begin(), table.gates.end(), [](float gate) { return std::isnan(gate); });
  return {.exits = table.exits, .classes = table.classes, .has_gates = gates, .cost_weights = table.cost_weights};
}

std::vector<double> quality_of_exits(const LogitTable& table) {
  std::vector<double> means;
  std::vector<float> qualities(static_cast<size_t>(table.samples));
  for (int32_t k = 0; k < table.exits; ++k) {
    for_each_block(table.samples, 256, [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n) {
        qualities[static_cast<size_t>(n)] = table.quality(n, k, argmax(table.at(n, k)));
      }
    });
    // In the order of samples: the same on any number of threads.
    means.push_back(std::accumulate(qualities.begin(), qualities.end(), 0.0) / static_cast<double>(table.samples));
  }
  return means;
}

Replay replay(const LogitTable& table, const ExitPolicy& policy) {
  if (table.samples < 1) fail(Code::kInvalidArgument, "[replay] got no samples, expected at least 1");
  if (policy.needs_times() && table.elapsed_seconds.empty()) {
    fail(Code::kInvalidArgument,
         "[replay] policy '{}' has a deadline and the table no times; say how long stages take (--stage-seconds), or "
         "take the deadline off",
         policy.name());
  }
  const auto samples = static_cast<size_t>(table.samples);
  Replay result;
  result.exit_index.resize(samples);
  result.score.resize(samples);
  result.label.resize(samples);
  result.left.resize(samples);
  for_each_block(table.samples, 256, [&](int64_t begin, int64_t end) {
    std::vector<std::byte> state(policy.state_bytes());
    for (int64_t n = begin; n < end; ++n) {
      std::fill(state.begin(), state.end(), std::byte{0});
      ExitVerdict verdict;
      int32_t exit = -1;
      while (!verdict.leaves()) {
        ++exit;
        SOONER_ASSERT(exit < table.exits);
        if (policy.needs_exit(exit)) verdict = policy.decide(table.observation(n, exit), state);
      }
      const auto i = static_cast<size_t>(n);
      result.exit_index[i] = exit;
      result.score[i] = verdict.score;
      result.label[i] = answered_label(verdict, table.at(n, exit));
      result.left[i] = verdict.left;
    }
  });
  std::vector<int64_t> left(static_cast<size_t>(table.exits), 0);
  double quality = 0;
  for (size_t n = 0; n < samples; ++n) {
    ++left[static_cast<size_t>(result.exit_index[n])];
    quality += static_cast<double>(table.quality(static_cast<int64_t>(n), result.exit_index[n], result.label[n]));
  }
  const auto total = static_cast<double>(table.samples);
  result.exit_cost = cost_of_exits(table, policy);
  for (size_t k = 0; k < left.size(); ++k) {
    result.shares.push_back(static_cast<double>(left[k]) / total);
    result.cost += result.shares.back() * result.exit_cost[k];
  }
  result.quality = quality / total;
  result.abstained = static_cast<double>(std::ranges::count(result.left, Left::kAbstains)) / total;
  return result;
}

Replay replay_bare(const LogitTable& table, PolicySpec policy) {
  return replay(table, *make_policy(bare(std::move(policy)), policy_context(table)));
}

}  // namespace sooner
