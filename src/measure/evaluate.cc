#include "measure/evaluate.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "eval/auroc.h"
#include "measure/record_table.h"

namespace sooner {
namespace {

// Means over groups (exits, classes), NaN for an empty one.
class GroupMean {
 public:
  explicit GroupMean(size_t groups) : sums_(groups, 0), counts_(groups, 0) {}
  void add(size_t group, double value) {
    sums_[group] += value;
    ++counts_[group];
  }
  [[nodiscard]] std::vector<double> means() const {
    std::vector<double> result(sums_.size(), std::numeric_limits<double>::quiet_NaN());
    for (size_t i = 0; i < sums_.size(); ++i) {
      if (counts_[i] > 0) result[i] = sums_[i] / static_cast<double>(counts_[i]);
    }
    return result;
  }
  [[nodiscard]] const std::vector<int64_t>& counts() const { return counts_; }

 private:
  std::vector<double> sums_;
  std::vector<int64_t> counts_;
};

// Sums up results [samples], what they are worth and what they cost, of samples with these labels (none: of a number).
Evaluation sum_up(std::vector<Result> results, std::vector<double> qualities, std::vector<int64_t> macs,
                  std::span<const int32_t> labels, size_t exits, size_t classes, double plain_macs) {
  Evaluation evaluation;
  evaluation.qualities = std::move(qualities);
  evaluation.samples = static_cast<int64_t>(results.size());
  evaluation.results = std::move(results);
  evaluation.macs = std::move(macs);
  GroupMean at_exit(exits);
  GroupMean of_class(labels.empty() ? 0 : classes);
  GroupMean cost_of_class(labels.empty() ? 0 : classes);
  GroupMean all(1);
  GroupMean mean_macs(1);
  GroupMean answered(1);
  for (size_t i = 0; i < evaluation.results.size(); ++i) {
    const Result& result = evaluation.results[i];
    const double quality = evaluation.qualities[i];
    at_exit.add(static_cast<size_t>(result.exit_index), quality);
    if (!labels.empty()) {
      const auto label = static_cast<size_t>(labels[i]);
      of_class.add(label, quality);
      cost_of_class.add(label, static_cast<double>(evaluation.macs[i]) / plain_macs);
    }
    all.add(0, quality);
    if (result.left != Left::kAbstains) answered.add(0, quality);
    mean_macs.add(0, static_cast<double>(evaluation.macs[i]));
  }
  const auto samples = static_cast<double>(evaluation.samples);
  evaluation.quality = all.means()[0];
  evaluation.answered_quality = answered.means()[0];
  evaluation.abstained = 1 - static_cast<double>(answered.counts()[0]) / samples;
  evaluation.mean_macs = mean_macs.means()[0];
  evaluation.cost_fraction = evaluation.mean_macs / plain_macs;
  for (const int64_t left : at_exit.counts()) evaluation.shares.push_back(static_cast<double>(left) / samples);
  evaluation.leavers_quality = at_exit.means();
  evaluation.class_accuracy = of_class.means();
  evaluation.class_cost = cost_of_class.means();
  return evaluation;
}

Evaluation sum_up(const Model& model, std::vector<Result> results, const Batch& samples) {
  std::vector<double> qualities;
  std::vector<int64_t> macs;
  for (size_t i = 0; i < results.size(); ++i) {
    qualities.push_back(quality_of(results[i], samples, i));
    macs.push_back(results[i].macs);
  }
  const bool number = model.manifest().quantity.has_value();
  return sum_up(std::move(results), std::move(qualities), std::move(macs),
                number ? std::span<const int32_t>() : samples.labels, model.graph().exits(),
                static_cast<size_t>(model.graph().classes), static_cast<double>(model.cost().backbone_macs));
}

}  // namespace

double quality_of(const Result& result, const Batch& samples, size_t index) {
  if (std::isnan(result.number)) return result.label == samples.labels[index] ? 1 : 0;
  return -static_cast<double>(std::abs(result.number - samples.targets[index]));
}

Evaluation evaluate(const std::shared_ptr<const Model>& model, const PolicySpec& policy, const Batch& samples,
                    const SessionOptions& session_options) {
  Session session(model, make_policy(policy, policy_context(model->manifest())), session_options);
  const std::span<const Result> results = session.run(samples.images, samples.n);
  return sum_up(*model, {results.begin(), results.end()}, samples);
}

EvaluationWithTable evaluate_with_table(const std::shared_ptr<const Model>& model, const PolicySpec& policy,
                                        const Batch& samples, const SessionOptions& session_options) {
  const std::shared_ptr<const ExitPolicy> made = make_policy(policy, policy_context(model->manifest()));
  if (made->needs_times()) return {evaluate(model, policy, samples, session_options), logit_table(model, samples)};
  AnsweredTable answered = answered_logit_table(model, made, samples);
  return {sum_up(*model, std::move(answered.results), samples), std::move(answered.table)};
}

Evaluation evaluate(const LogitTable& table, const PolicySpec& policy, double plain_macs) {
  const Replay replayed = replay(table, *make_policy(policy, policy_context(table)));
  std::vector<Result> results;
  std::vector<double> qualities;
  std::vector<int64_t> macs;
  for (size_t i = 0; i < replayed.exit_index.size(); ++i) {
    results.push_back({.label = replayed.label[i],
                       .exit_index = replayed.exit_index[i],
                       .left = replayed.left[i],
                       .score = replayed.score[i]});
    qualities.push_back(
        static_cast<double>(table.quality(static_cast<int64_t>(i), replayed.exit_index[i], replayed.label[i])));
    macs.push_back(std::llround(replayed.exit_cost[static_cast<size_t>(replayed.exit_index[i])] * plain_macs));
  }
  return sum_up(std::move(results), std::move(qualities), std::move(macs), table.labels,
                static_cast<size_t>(table.exits), static_cast<size_t>(table.classes), plain_macs);
}

std::optional<double> difficulty_auroc(const Evaluation& evaluation, const ImageSource& source, const Batch& samples) {
  std::vector<double> difficulty;
  std::vector<uint8_t> went_on;
  for (size_t i = 0; i < evaluation.results.size(); ++i) {
    difficulty.push_back(source.difficulty(samples.indices[i]));
    if (std::isnan(difficulty.back())) return std::nullopt;
    went_on.push_back(evaluation.results[i].exit_index > 0 ? 1 : 0);
  }
  return auroc(difficulty, went_on);
}

}  // namespace sooner
