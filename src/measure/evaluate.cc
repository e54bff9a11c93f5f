#include "measure/evaluate.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "backend/counting_backend.h"
#include "core/error.h"
#include "eval/auroc.h"

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

// A gate that is not a number never lets anybody leave; that of a trained network is one.
void check_gates(const Graph& graph, const LogitTable& table, const std::filesystem::path& path) {
  const auto early = static_cast<size_t>(table.exits - 1);
  for (size_t i = 0; i < table.gates.size(); ++i) {
    if (!std::isnan(table.gates[i]) || !graph.stages[i % early].exit.gate) continue;
    fail(Code::kInvalidArgument,
         "[logit table '{}'] got gate nan at sample {}, exit {}, expected 0 to 1: this model's exits have gates",
         path.string(), i / early, i % early);
  }
}

void set_costs(const GraphCost& cost, LogitTable& table) {
  table.exit_cost = cost.exit_fraction;
  for (const StageCost& stage : cost.stages) {
    table.head_cost.push_back(static_cast<double>(stage.skippable_macs) / static_cast<double>(cost.backbone_macs));
  }
}

}  // namespace

double quality_of(const Result& result, const Batch& samples, size_t index) {
  if (std::isnan(result.number)) return result.label == samples.labels[index] ? 1 : 0;
  return -static_cast<double>(std::abs(result.number - samples.targets[index]));
}

Evaluation evaluate(const ModelFile& file, const ModelOptions& options, const PolicySpec& policy, const Batch& samples,
                    const SessionOptions& session_options) {
  const auto ledger = std::make_shared<MacLedger>();
  const CountingBackend backend(make_backend(options.backend), ledger);
  const auto model = Model::compile(file, backend, options);
  Session session(model, make_policy(policy, policy_context(model->manifest())), session_options);
  ledger->reset(static_cast<size_t>(samples.n));
  const std::span<const Result> results = session.run(samples.images, samples.n);
  std::vector<double> qualities;
  for (size_t i = 0; i < results.size(); ++i) qualities.push_back(quality_of(results[i], samples, i));
  const bool number = model->manifest().quantity.has_value();
  return sum_up({results.begin(), results.end()}, std::move(qualities), ledger->macs(),
                number ? std::span<const int32_t>() : samples.labels, model->graph().exits(),
                static_cast<size_t>(model->graph().classes), static_cast<double>(model->cost().backbone_macs));
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

void set_times(LogitTable& table, const std::vector<double>& stage_seconds) {
  const auto exits = static_cast<size_t>(table.exits);
  if (stage_seconds.size() != exits || std::ranges::any_of(stage_seconds, [](double s) { return !(s >= 0); })) {
    fail(Code::kInvalidArgument, "[eval] got --stage-seconds {}, expected {} numbers from 0, one per stage",
         fmt::join(stage_seconds, ","), exits);
  }
  table.stage_seconds = stage_seconds;
  table.elapsed_seconds.clear();
  for (int64_t n = 0; n < table.samples; ++n) {
    double elapsed = 0;
    for (const double seconds : stage_seconds) table.elapsed_seconds.push_back(elapsed += seconds);
  }
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
  if (model->manifest().quantity) {
    table.targets = samples.targets;
  } else {
    table.labels = samples.labels;
  }
  table.cost_weights = model->manifest().cost_weights;
  set_costs(model->cost(), table);
  // Nobody leaves, so no policy is asked; the model's own may have no thresholds for this precision yet.
  Session session(model, make_policy({.name = "never"}, policy_context(model->manifest())));
  session.run_all_exits(samples.images, samples.n, table.logits, table.gates);
  return table;
}

StoredTable record_table(const std::shared_ptr<const Model>& model, const ModelData& data, const Split& split,
                         int64_t limit) {
  return {.table = logit_table(model, load_all(model->manifest(), data, split, limit)),
          .origin = {.weights_hash = model->rows_hash(),
                     .data_set = data.data.name,
                     .split = split.name,
                     .split_hash = split.hash,
                     .precision = std::string(to_string(model->precision())),
                     .backend = model->backend_name(),
                     .instruction_set = model->instruction_set()}};
}

StoredTable load_table(const std::filesystem::path& path, const ModelFile& file) {
  StoredTable stored = read_logit_table(path);
  const auto naming_file = [&](auto read) {
    try {
      return read();
    } catch (const Error& error) {
      const std::string_view text = error.what();
      fail(error.code(), "[logit table '{}']{}", path.string(), text.substr(text.find(']') + 1));
    }
  };
  const std::string& precision = stored.origin.precision;
  const Precision parsed =
      naming_file([&] { return precision.empty() ? Precision{} : precision_from_string(precision); });
  check_table_of(stored.origin, precision.empty() ? model_hash(file) : rows_hash(file, parsed), path);
  const Graph& graph = file.manifest.graph;
  if (stored.table.exits != static_cast<int32_t>(graph.exits()) || stored.table.classes != graph.classes) {
    fail(Code::kDataLoss,
         "[logit table '{}'] holds logits of {} exits and {} classes, expected {} and {} as the model has; record it "
         "again with `sooner eval --save-table`",
         path.string(), stored.table.exits, stored.table.classes, graph.exits(), graph.classes);
  }
  stored.table.cost_weights = file.manifest.cost_weights;
  set_costs(compute_cost(graph), stored.table);
  naming_file([&] { validate(stored.table); });
  check_gates(graph, stored.table, path);
  return stored;
}

}  // namespace sooner
