#include "eval/calibration_error.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/parallel.h"
#include "eval/auroc.h"
#include "policy/scores.h"

namespace sooner {
namespace {

void check(const LogitTable& table, int32_t exit, double temperature, int32_t bins) {
  if (table.samples < 1) fail(Code::kInvalidArgument, "[calibration error] got no samples, expected at least 1");
  if (exit < 0 || exit >= table.exits) {
    fail(Code::kInvalidArgument, "[calibration error] got exit {}, expected 0 to {}", exit, table.exits - 1);
  }
  if (!(temperature > 0)) {
    fail(Code::kInvalidArgument, "[calibration error] got temperature {}, expected a positive number", temperature);
  }
  if (bins < 1) fail(Code::kInvalidArgument, "[calibration error] got {} bins, expected at least 1", bins);
}

struct Answer {
  double max_probability = 0;
  double brier = 0;
  double nll = 0;
  double score = 0;  // max-prob as log-odds
  bool right = false;
};

// Under this a sum of exponentials has lost its digits.
constexpr double kSmallest = 1e-290;

Answer answer_of(std::span<const float> logits, int32_t label, double temperature) {
  const auto best = static_cast<size_t>(argmax(logits));
  const auto scaled = [&](size_t c) {
    return (static_cast<double>(logits[c]) - static_cast<double>(logits[best])) / temperature;
  };
  double others = 0;
  double squares = 1;
  for (size_t c = 0; c < logits.size(); ++c) {
    if (c == best) continue;
    const double weight = std::exp(scaled(c));
    others += weight;
    squares += weight * weight;
  }
  const double sum = 1 + others;
  const auto truth = static_cast<size_t>(label);
  const double truth_probability = std::exp(scaled(truth)) / sum;
  return {.max_probability = 1 / sum,
          .brier = squares / (sum * sum) - 2 * truth_probability + 1,
          .nll = std::log(sum) - scaled(truth),
          .score = others > kSmallest ? -std::log(others) : max_prob_log_odds(logits, temperature),
          .right = best == truth};
}

class Bins {
 public:
  explicit Bins(int32_t bins) : bins_(static_cast<size_t>(bins)) {}

  void add(const Answer& answer) {
    const auto count = static_cast<double>(bins_.size());
    const double place = std::clamp(std::ceil(answer.max_probability * count) - 1, 0.0, count - 1);
    ReliabilityBin& bin = bins_[static_cast<size_t>(place)];
    ++bin.samples;
    bin.mean_probability += answer.max_probability;
    bin.accuracy += answer.right ? 1 : 0;
  }
  // Sums become means.
  std::vector<ReliabilityBin> finish() && {
    for (ReliabilityBin& bin : bins_) {
      if (bin.samples == 0) continue;
      bin.mean_probability /= static_cast<double>(bin.samples);
      bin.accuracy /= static_cast<double>(bin.samples);
    }
    return std::move(bins_);
  }

 private:
  std::vector<ReliabilityBin> bins_;
};

CalibrationError summed_up(std::span<const Answer> answers, int32_t bins) {
  CalibrationError error{.samples = static_cast<int64_t>(answers.size())};
  Bins filled(bins);
  std::vector<double> scores;
  std::vector<uint8_t> right;
  for (const Answer& answer : answers) {
    filled.add(answer);
    error.brier += answer.brier;
    error.nll += answer.nll;
    error.accuracy += answer.right ? 1 : 0;
    scores.push_back(answer.score);
    right.push_back(answer.right ? 1 : 0);
  }
  const auto total = static_cast<double>(answers.size());
  error.brier /= total;
  error.nll /= total;
  error.accuracy /= total;
  for (const ReliabilityBin& bin : std::move(filled).finish()) {
    error.ece += std::abs(bin.accuracy - bin.mean_probability) * static_cast<double>(bin.samples) / total;
  }
  error.failure_auroc = auroc(scores, right);
  return error;
}

}  // namespace

std::vector<CalibrationError> calibration_errors(const LogitTable& table, std::span<const double> temperatures,
                                                 int32_t bins) {
  const auto exits = static_cast<size_t>(table.exits);
  if (!temperatures.empty() && temperatures.size() != exits) {
    fail(Code::kInvalidArgument, "[calibration error] got {} temperatures, expected {}: one per exit",
         temperatures.size(), exits);
  }
  std::vector<double> of_exit(temperatures.begin(), temperatures.end());
  of_exit.resize(exits, 1.0);
  for (size_t k = 0; k < exits; ++k) check(table, static_cast<int32_t>(k), of_exit[k], bins);
  std::vector<std::vector<Answer>> answers(exits, std::vector<Answer>(static_cast<size_t>(table.samples)));
  for_each_block(table.samples, 256, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      const auto i = static_cast<size_t>(n);
      for (size_t k = 0; k < exits; ++k) {
        answers[k][i] = answer_of(table.at(n, static_cast<int32_t>(k)), table.labels[i], of_exit[k]);
      }
    }
  });
  std::vector<CalibrationError> errors(exits);
  for_each_block(table.exits, 1, [&](int64_t k, int64_t /*end*/) {
    errors[static_cast<size_t>(k)] = summed_up(answers[static_cast<size_t>(k)], bins);
  });
  return errors;
}

CalibrationError calibration_error(const LogitTable& table, int32_t exit, double temperature, int32_t bins) {
  check(table, exit, temperature, bins);
  std::vector<Answer> answers;
  for (int64_t n = 0; n < table.samples; ++n) {
    answers.push_back(answer_of(table.at(n, exit), table.labels[static_cast<size_t>(n)], temperature));
  }
  return summed_up(answers, bins);
}

std::vector<ReliabilityBin> reliability(const LogitTable& table, int32_t exit, double temperature, int32_t bins) {
  check(table, exit, temperature, bins);
  Bins filled(bins);
  for (int64_t n = 0; n < table.samples; ++n) {
    filled.add(answer_of(table.at(n, exit), table.labels[static_cast<size_t>(n)], temperature));
  }
  return std::move(filled).finish();
}

}  // namespace sooner
