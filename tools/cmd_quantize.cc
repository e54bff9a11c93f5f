// `sooner quantize`: measures the scales int8 needs on samples of the tune split, stores them in the model file, and
// chooses the thresholds of every stored calibration anew on int8 logits.
#include <algorithm>
#include <ranges>

#include "command.h"
#include "data_flags.h"
#include "measure/model_data.h"
#include "measure/record_table.h"
#include "policy/policy_kind.h"
#include "profile/profile.h"
#include "quantize/measure_scales.h"
#include "shares_text.h"
#include "table.h"
#include "tune/calibrate.h"
#include "tune/risk/calibrate_risk.h"
#include "tune/stored_record.h"

namespace sooner {
namespace {

struct QuantizeArguments {
  std::string model;
  std::string output;
  std::string method = "mse";
  int64_t samples = 512;
  std::string backend = "auto";
  DataChoice data;
  OutputForm form = OutputForm::kText;
};

constexpr const char* kInt8 = "int8";

// One record of every policy and rule, the newest.
std::vector<CalibrationRecord> distinct_choices(const std::vector<CalibrationRecord>& records) {
  std::vector<CalibrationRecord> distinct;
  for (const CalibrationRecord& record : std::views::reverse(records)) {
    const auto same = [&](const CalibrationRecord& known) { return chosen_alike(known, record); };
    const auto known = std::find_if(distinct.begin(), distinct.end(), same);
    if (known == distinct.end()) {
      distinct.push_back(record);
    } else if (known->precision == kInt8) {
      *known = record;  // what int8 is held against is the other precision's
    }
  }
  std::reverse(distinct.begin(), distinct.end());
  return distinct;
}

// What the network does by its own rule, in fp32: what int8 is held against where nobody has tuned.
CalibrationRecord untuned_record(const ModelFile& file, const QuantizeArguments& arguments, const ModelData& data,
                                 const Batch& samples) {
  const auto model = Model::from_file(file, {.backend = arguments.backend});
  const StoredTable tune = record_table(model, data, data.splits.tune, samples);
  CalibrationRecord record = calibrate(tune.table, file.manifest.policy, {});
  set_origin(record, tune.origin);
  return record;
}

std::vector<Cell> row(const CalibrationRecord& record, const std::string& what, const Cell& quality, double cost,
                      const std::vector<double>& shares) {
  return {cell(record.policy.name), cell(record.rule), cell(what), quality, number(cost, 4), cell(shares_text(shares))};
}

void run(const QuantizeArguments& arguments) {
  const RangeMethod method = range_method_from_string(arguments.method);
  ModelFile file = load_model(arguments.model);
  const ModelData data = open_model_data(file.manifest, arguments.data);
  const Split& split = data.splits.tune;
  const Batch samples = load_all(file.manifest, data, split);
  const int64_t measured = std::min(arguments.samples, samples.n);
  const auto backend = make_backend(arguments.backend);
  if (!backend->supports(Precision::kInt8)) {
    fail(Code::kFailedPrecondition, "[quantize] the backend '{}' does not compute in int8; use --backend onednn",
         backend->name());
  }
  Quantisation quantisation;
  quantisation.method = arguments.method;
  quantisation.data_set = data.data.name;
  quantisation.split_hash = split.hash;
  quantisation.samples = measured;
  quantisation.model_hash = model_hash(file);
  const std::span<const float> images(samples.images);
  quantisation.scales = measure_scales(
      file.manifest.graph, file.tensors, *backend,
      images.first(images.size() / static_cast<size_t>(samples.n) * static_cast<size_t>(measured)), method);
  file.manifest.quantisation = std::move(quantisation);

  const auto model = Model::compile(file, *backend, {.backend = arguments.backend, .precision = Precision::kInt8});
  const StoredTable tune = record_table(model, data, split, samples);
  const LogitTable& table = tune.table;
  std::vector<CalibrationRecord>& records = file.manifest.calibrations;
  const std::string& policy = file.manifest.policy.name;
  if (records.empty() && has_own_rule(policy, static_cast<int32_t>(file.manifest.graph.classes))) {
    records.push_back(untuned_record(file, arguments, data, samples));
  }
  const std::vector<CalibrationRecord> choices = distinct_choices(records);
  std::erase_if(records, [](const CalibrationRecord& record) { return record.precision == kInt8; });
  const std::optional<Quantity>& quantity = file.manifest.quantity;
  const auto shown = [&](double quality) { return quality_cell(quantity, quality); };
  Table rows({"policy", "chosen by", "logits", std::string(quality_word(quantity)), "MACs of plain", "exit shares"});
  std::optional<LogitTable> guarantee;  // read when a record with a guarantee asks for it
  std::vector<double> times;            // in int8, measured when a record chosen by them asks
  for (const CalibrationRecord& old : choices) {
    CalibrationRecord record;
    if (old.guarantee) {
      if (!guarantee) guarantee = logit_table(model, load_all(file.manifest, data, data.splits.guarantee));
      record = recalibrate_with_risk(table, *guarantee, old).record;
      record.guarantee->split_hash = data.splits.guarantee.hash;
    } else {
      try {
        if (times.empty() && old.rule.starts_with("latency ")) {
          const int32_t batch = std::min(model->batch_max(), static_cast<int32_t>(samples.n));
          times = exit_times(profile(*model, *backend, samples.images, batch));
        }
        record = recalibrate(table, old, times);
      } catch (const Error& error) {
        if (error.code() != Code::kFailedPrecondition) throw;
        say(fmt::format("warning: '{}' by '{}' cannot be chosen for int8: {}", old.policy.name, old.rule,
                        error.what()));
        continue;
      }
    }
    set_origin(record, tune.origin);
    if (old.precision != kInt8) {
      rows.add(row(old, old.precision, shown(old.quality), old.cost_fraction, old.exit_shares));
      if (!holds_everywhere(old)) {
        const Replay kept = replay(table, *make_policy(old.policy, policy_context(table)));
        rows.add(row(old, fmt::format("int8, thresholds of {}", old.precision), shown(kept.quality), kept.cost,
                     kept.shares));
      }
    }
    rows.add(row(record, kInt8, shown(record.quality), record.cost_fraction, record.exit_shares));
    records.push_back(std::move(record));
  }
  const std::string output = arguments.output.empty() ? arguments.model : arguments.output;
  save_model(file, output);
  rows.print(arguments.form);
  say(fmt::format("{} maps measured on {} samples of {} ({}); {} calibrations chosen anew on {} samples; stored in {}",
                  file.manifest.quantisation->scales.size(), measured, split.name, arguments.method, choices.size(),
                  samples.n, output));
}

}  // namespace

void add_quantize(CLI::App& app) {
  const auto arguments = std::make_shared<QuantizeArguments>();
  app.add_option("model", arguments->model, "a .safetensors model; rewritten in place unless -o is given")->required();
  app.add_option("-o,--output", arguments->output, "write the quantised model here instead");
  app.add_option("--method", arguments->method,
                 "which numbers fit a map's range: min-max | percentile (99.99 %) | mse (least squared error)")
      ->capture_default_str();
  app.add_option("--samples", arguments->samples, "how many of the tune split to measure on")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 30))
      ->capture_default_str();
  app.add_option("--backend", arguments->backend, "auto | onednn")->capture_default_str();
  add_data_options(app, &arguments->data);
  add_output_options(app, &arguments->form);
  app.callback([arguments] { run(*arguments); });
}

}  // namespace sooner
