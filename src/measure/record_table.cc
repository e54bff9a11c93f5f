#include "measure/record_table.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "runtime/session.h"

namespace sooner {
namespace {

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

AnsweredTable answered_logit_table(const std::shared_ptr<const Model>& model,
                                   const std::shared_ptr<const ExitPolicy>& policy, const Batch& samples) {
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
  Session session(model, policy);
  const std::span<const Result> results = session.run_all_exits(samples.images, samples.n, table.logits, table.gates);
  return {std::move(table), {results.begin(), results.end()}};
}

LogitTable logit_table(const std::shared_ptr<const Model>& model, const Batch& samples) {
  // The model's own policy may have no thresholds for this precision yet.
  return answered_logit_table(model, make_policy({.name = "never"}, policy_context(model->manifest())), samples).table;
}

Origin origin_of(const Model& model, const ModelData& data, const Split& split) {
  Origin origin = model.origin();
  origin.data_set = data.data.name;
  origin.split = split.name;
  origin.split_hash = split.hash;
  return origin;
}

StoredTable record_table(const std::shared_ptr<const Model>& model, const ModelData& data, const Split& split,
                         const Batch& samples) {
  return {.table = logit_table(model, samples), .origin = origin_of(*model, data, split)};
}

StoredTable record_table(const std::shared_ptr<const Model>& model, const ModelData& data, const Split& split,
                         int64_t limit) {
  return record_table(model, data, split, load_all(model->manifest(), data, split, limit));
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

void set_times(LogitTable& table, const std::vector<double>& stage_seconds) {
  const auto exits = static_cast<size_t>(table.exits);
  if (stage_seconds.size() != exits || std::ranges::any_of(stage_seconds, [](double s) { return !(s >= 0); })) {
    fail(Code::kInvalidArgument, "[stage times] got {}, expected {} numbers from 0, one per stage",
         fmt::join(stage_seconds, ","), exits);
  }
  table.stage_seconds = stage_seconds;
  table.elapsed_seconds.clear();
  for (int64_t n = 0; n < table.samples; ++n) {
    double elapsed = 0;
    for (const double seconds : stage_seconds) table.elapsed_seconds.push_back(elapsed += seconds);
  }
}

}  // namespace sooner
