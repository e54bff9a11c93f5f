#include "tune/choosing/abstention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "core/error.h"
#include "policy/policy_kind.h"
#include "policy/scores.h"

namespace sooner {
namespace {

// Samples answered, and how many of them wrongly.
struct Answered {
  int64_t samples = 0;
  int64_t wrong = 0;
};

bool meets(const Answered& answered, AbstainGoal goal, double value, int64_t samples) {
  // 0.95 of 20 samples is 19, whatever 0.95 * 20 rounds to.
  constexpr double kRounding = 1e-9;
  if (goal == AbstainGoal::kCoverage) {
    return static_cast<double>(answered.samples) >= value * static_cast<double>(samples) - kRounding;
  }
  return static_cast<double>(answered.wrong) <= value * static_cast<double>(answered.samples) + kRounding;
}

}  // namespace

double abstain_threshold(std::span<const Answer> answers, const Abstention& wanted) {
  const auto [goal, value] = wanted;
  if (!(value >= 0 && value <= 1)) {
    fail(Code::kInvalidArgument, "[abstain] got {}, expected a fraction of the samples, 0 to 1", value);
  }
  if (answers.empty()) fail(Code::kInvalidArgument, "[abstain] got no samples, expected at least 1");
  const auto samples = static_cast<int64_t>(answers.size());
  std::vector<Answer> unsure;
  Answered answered;
  for (const Answer& answer : answers) {
    if (answer.sure) {
      ++answered.samples;
      answered.wrong += answer.wrong ? 1 : 0;
    } else {
      unsure.push_back(answer);
    }
  }
  std::ranges::stable_sort(unsure, std::ranges::greater(), &Answer::score);

  // How many of them to answer: the fewest that meet a coverage, the most that keep to an error.
  std::optional<size_t> chosen;
  const Answered early = answered;
  for (size_t i = 0;; ++i) {
    const bool ties = i > 0 && i < unsure.size() && unsure[i].score == unsure[i - 1].score;
    if (!ties && meets(answered, goal, value, samples)) {
      chosen = i;
      if (goal == AbstainGoal::kCoverage) break;
    }
    if (i == unsure.size()) break;
    ++answered.samples;
    answered.wrong += unsure[i].wrong ? 1 : 0;
  }
  if (!chosen) {
    fail(Code::kFailedPrecondition,
         "[abstain] {:.2f} % of the {} samples that leave early are answered wrongly, and no part of the others brings "
         "that down to {:.2f} %; make fewer leave early",
         100 * static_cast<double>(early.wrong) / static_cast<double>(std::max<int64_t>(1, early.samples)),
         early.samples, 100 * value);
  }
  if (*chosen == unsure.size()) return -std::numeric_limits<double>::infinity();
  const float below = unsure[*chosen].score;
  if (*chosen == 0) return static_cast<double>(std::nextafter(below, std::numeric_limits<float>::infinity()));
  const auto above = static_cast<double>(unsure[*chosen - 1].score);
  const double middle = above / 2 + static_cast<double>(below) / 2;
  return std::isfinite(middle) ? middle : above;
}

double choose_abstention(const LogitTable& table, const PolicySpec& policy, const Abstention& wanted) {
  const Replay replayed = replay_bare(table, policy);
  const bool own_score = abstains_by_verdict(policy, policy_kind(policy.name, table.classes));
  std::vector<Answer> answers(static_cast<size_t>(table.samples));
  for (size_t n = 0; n < answers.size(); ++n) {
    const auto sample = static_cast<int64_t>(n);
    const int32_t exit = replayed.exit_index[n];
    answers[n].sure = replayed.left[n] == Left::kByPolicy;
    answers[n].score = own_score ? replayed.score[n]
                                 : static_cast<float>(max_prob_log_odds(table.at(sample, exit), /*temperature=*/1));
    answers[n].wrong = table.quality(sample, exit, replayed.label[n]) == 0;
  }
  return abstain_threshold(answers, wanted);
}

}  // namespace sooner
