#include "measure.h"

#include <cmath>
#include <limits>

#include "backend/counting_backend.h"
#include "core/error.h"
#include "eval/auroc.h"
#include "policy_flags.h"

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

}  // namespace

Evaluation evaluate(const ModelFile& file, const ModelOptions& options, const PolicySpec& policy, const Batch& samples,
                    const SessionOptions& session_options) {
  const auto ledger = std::make_shared<MacLedger>();
  const CountingBackend backend(make_backend(options.backend), ledger);
  const auto model = Model::compile(file, backend, options);
  Session session(model, make_policy(policy, policy_context(model->manifest())), session_options);
  ledger->reset(static_cast<size_t>(samples.n));
  const std::span<const Result> results = session.run(samples.images, samples.n);

  Evaluation evaluation;
  evaluation.samples = samples.n;
  evaluation.results.assign(results.begin(), results.end());
  evaluation.macs = ledger->macs();
  const auto plain = static_cast<double>(model->cost().backbone_macs);
  GroupMean at_exit(model->graph().exits());
  GroupMean of_class(static_cast<size_t>(model->graph().classes));
  GroupMean cost_of_class(static_cast<size_t>(model->graph().classes));
  GroupMean all(1);
  GroupMean macs(1);
  GroupMean answered(1);
  for (size_t i = 0; i < evaluation.results.size(); ++i) {
    const double right = results[i].label == samples.labels[i] ? 1 : 0;
    const auto label = static_cast<size_t>(samples.labels[i]);
    at_exit.add(static_cast<size_t>(results[i].exit_index), right);
    of_class.add(label, right);
    cost_of_class.add(label, static_cast<double>(evaluation.macs[i]) / plain);
    all.add(0, right);
    if (results[i].left != Left::kAbstains) answered.add(0, right);
    macs.add(0, static_cast<double>(evaluation.macs[i]));
  }
  evaluation.accuracy = all.means()[0];
  evaluation.answered_accuracy = answered.means()[0];
  evaluation.abstained = 1 - static_cast<double>(answered.counts()[0]) / static_cast<double>(samples.n);
  evaluation.mean_macs = macs.means()[0];
  evaluation.cost_fraction = evaluation.mean_macs / plain;
  for (const int64_t left : at_exit.counts()) {
    evaluation.shares.push_back(static_cast<double>(left) / static_cast<double>(samples.n));
  }
  evaluation.leavers_accuracy = at_exit.means();
  evaluation.class_accuracy = of_class.means();
  evaluation.class_cost = cost_of_class.means();
  return evaluation;
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

LogitTable logit_table(const std::shared_ptr<const Model>& model, const Batch& samples) {
  LogitTable table;
  table.samples = samples.n;
  table.exits = static_cast<int32_t>(model->graph().exits());
  table.classes = static_cast<int32_t>(model->graph().classes);
  table.logits.resize(static_cast<size_t>(samples.n) * static_cast<size_t>(table.exits) *
                      static_cast<size_t>(table.classes));
  table.gates.resize(static_cast<size_t>(samples.n) * static_cast<size_t>(table.exits - 1));
  table.labels = samples.labels;
  table.exit_cost = model->cost().exit_fraction;
  for (const StageCost& stage : model->cost().stages) {
    table.head_cost.push_back(static_cast<double>(stage.head_macs) / static_cast<double>(model->cost().backbone_macs));
  }
  table.cost_weights = model->manifest().cost_weights;
  // Nobody leaves, so no policy is asked; the model's own may have no thresholds for this precision yet.
  Session session(model, make_policy({.name = "never"}, policy_context(model->manifest())));
  session.run_all_exits(samples.images, samples.n, table.logits, table.gates);
  return table;
}

}  // namespace sooner
