#include "eval/calibration_error.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
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

Answer answer_of(std::span<const float> logits, int32_t label, double temperature) {
  const auto best = static_cast<size_t>(argmax(logits));
  const auto scaled = [&](size_t c) {
    return (static_cast<double>(logits[c]) - static_cast<double>(logits[best])) / temperature;
  };
  double sum = 0;
  double squares = 0;
  for (size_t c = 0; c < logits.size(); ++c) {
    const double weight = std::exp(scaled(c));
    sum += weight;
    squares += weight * weight;
  }
  const auto truth = static_cast<size_t>(label);
  const double truth_probability = std::exp(scaled(truth)) / sum;
  return {.max_probability = 1 / sum,
          .brier = squares / (sum * sum) - 2 * truth_probability + 1,
          .nll = std::log(sum) - scaled(truth),
          .score = max_prob_log_odds(logits, temperature),
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

}  // namespace

CalibrationError calibration_error(const LogitTable& table, int32_t exit, double temperature, int32_t bins) {
  check(table, exit, temperature, bins);
  CalibrationError error{.samples = table.samples};
  Bins filled(bins);
  std::vector<double> scores;
  std::vector<uint8_t> right;
  for (int64_t n = 0; n < table.samples; ++n) {
    const Answer answer = answer_of(table.at(n, exit), table.labels[static_cast<size_t>(n)], temperature);
    filled.add(answer);
    error.brier += answer.brier;
    error.nll += answer.nll;
    error.accuracy += answer.right ? 1 : 0;
    scores.push_back(answer.score);
    right.push_back(answer.right ? 1 : 0);
  }
  const auto total = static_cast<double>(table.samples);
  error.brier /= total;
  error.nll /= total;
  error.accuracy /= total;
  for (const ReliabilityBin& bin : std::move(filled).finish()) {
    error.ece += std::abs(bin.accuracy - bin.mean_probability) * static_cast<double>(bin.samples) / total;
  }
  error.failure_auroc = auroc(scores, right);
  return error;
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
