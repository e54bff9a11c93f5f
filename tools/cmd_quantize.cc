// `sooner quantize`: measures the scales int8 needs on samples of the training split, stores them in the model file,
// and chooses the thresholds of every stored calibration anew on int8 logits.
#include <algorithm>
#include <ranges>

#include "cli/data_flags.h"
#include "cli/output.h"
#include "cli/shares_text.h"
#include "cli/table.h"
#include "command.h"
#include "core/file.h"
#include "format/model_update.h"
#include "measure/model_data.h"
#include "measure/record_table.h"
#include "measure/why_unseen.h"
#include "policy/policy_kind.h"
#include "policy/standing.h"
#include "profile/profile.h"
#include "quantize/measure_scales.h"
#include "tune/calibrate.h"
#include "tune/risk/promises.h"

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
    } else if (known->origin.precision == kInt8) {
      *known = record;  // what int8 is held against is the other precision's
    }
  }
  std::reverse(distinct.begin(), distinct.end());
  return distinct;
}

// What the network does by its own rule, in fp32: what int8 is held against where nobody has tuned.
CalibrationRecord untuned_record(const ModelFile& file, const QuantizeArguments& arguments, const ModelData& data) {
  const auto model = Model::from_file(file, {.backend = arguments.backend});
  return calibrate(record_table(model, data, data.splits.tune), file.manifest.policy, {});
}

// The record in int8 that alone vouches for the default policy; nothing where another precision does, or none.
std::optional<CalibrationRecord> default_in_int8(const Manifest& manifest) {
  std::optional<CalibrationRecord> found;
  for (const CalibrationRecord& record : manifest.calibrations) {
    if (record.policy != manifest.policy) continue;
    if (record.origin.precision != kInt8) return std::nullopt;
    found = record;
  }
  return found;
}

// Its figures then say nothing about this network. Of int8, whose scales are measured anew, nothing is known.
bool is_of_other_weights(const CalibrationRecord& record, const ModelFile& file, const Backend& backend) {
  if (record.origin.precision == kInt8 || record.origin.precision.empty()) return false;
  const Origin engine = origin_here(file, precision_from_string(record.origin.precision), backend);
  return standing(record, engine) == Standing::kOtherWeights;
}

// Scales of the maps, from samples of the training split, spread evenly: none that thresholds are chosen on, and some
// of every class.
Quantisation measured_scales(const ModelFile& file, const ModelData& data, const QuantizeArguments& arguments,
                             const Backend& backend) {
  const RangeMethod method = range_method_from_string(arguments.method);
  const Split& split = data.splits.train;
  const Batch samples = load_all(file.manifest, data, split, arguments.samples);
  Quantisation quantisation;
  quantisation.method = arguments.method;
  quantisation.data_set = data.data.name;
  quantisation.split_hash = split.hash;
  quantisation.samples = samples.n;
  quantisation.model_hash = model_hash(file);
  quantisation.scales = measure_scales(file.manifest.graph, file.tensors, backend, samples.images, method);
  return quantisation;
}

// Chooses every stored calibration anew on logits in int8.
class Rechoosing {
 public:
  Rechoosing(std::shared_ptr<const Model> model, const Backend& backend, const ModelData& data,
             std::vector<CalibrationRecord> before)
      : model_(std::move(model)),
        backend_(backend),
        data_(data),
        made_(std::move(before)),
        tune_(record_table(model_, data, data.splits.tune)) {}

  [[nodiscard]] const LogitTable& tune() const { return tune_.table; }

  // Adds what it chooses to `records`. Nothing where it cannot be chosen there, which is said.
  std::optional<CalibrationRecord> again(const CalibrationRecord& old, std::vector<CalibrationRecord>& records) {
    try {
      CalibrationRecord record = old.guarantee ? promised(old) : recalibrate(tune_, old, times_for(old.rule));
      add_record(records, record);
      made_.push_back(record);
      return record;
    } catch (const Error& error) {
      if (error.code() != Code::kFailedPrecondition) throw;
      say(fmt::format("warning: '{}' cannot be chosen for int8: {}", record_name(old), error.what()));
      return std::nullopt;
    }
  }

 private:
  CalibrationRecord promised(const CalibrationRecord& old) {
    const Split& split = data_.splits.guarantee;
    static_cast<void>(why_unseen(model_->manifest().provenance, data_.data.name, data_.data.hash,
                                 old.guarantee->unseen == Unseen::kUserWord));
    check_room_for_promise(split.hash, old.policy, old.rule, model_->origin(), made_);
    if (!guarantee_) guarantee_ = record_table(model_, data_, split);
    return recalibrate({tune_, *guarantee_}, old, {}, made_);
  }

  // In int8, measured when a rule asks.
  const std::vector<double>& times_for(const CalibrationRule& rule) {
    if (rule.kind == CalibrationRule::Kind::kLatency && times_.empty()) {
      const Batch samples = load_all(model_->manifest(), data_, data_.splits.tune, model_->batch_max());
      times_ = exit_times(profile(*model_, backend_, samples.images, static_cast<int32_t>(samples.n)));
    }
    return times_;
  }

  std::shared_ptr<const Model> model_;
  const Backend& backend_;
  const ModelData& data_;
  std::vector<CalibrationRecord> made_;  // promises count beside all that there were, those of earlier scales too
  StoredTable tune_;
  std::optional<StoredTable> guarantee_;  // read when a promise asks for it
  std::vector<double> times_;
};

void run(const QuantizeArguments& arguments) {
  static_cast<void>(range_method_from_string(arguments.method));  // before anything is opened
  if (arguments.output.empty()) expect_writable(arguments.model);
  expect_output(arguments.output, "-o", {});
  ModelUpdate update(arguments.model);
  ModelFile& file = update.file();
  const ModelData data = open_model_data(file.manifest, arguments.data);
  const auto backend = make_backend(arguments.backend);
  if (!backend->supports(Precision::kInt8)) {
    fail(Code::kFailedPrecondition, "[quantize] the backend '{}' does not compute in int8; use --backend onednn",
         backend->name());
  }
  file.manifest.quantisation = measured_scales(file, data, arguments, *backend);
  std::vector<CalibrationRecord>& records = file.manifest.calibrations;
  const auto classes = static_cast<int32_t>(file.manifest.graph.classes);
  if (records.empty() && has_own_rule(file.manifest.policy.name, classes)) {
    add_record(records, untuned_record(file, arguments, data));
  }
  const auto model = Model::compile(file, *backend, {.backend = arguments.backend, .precision = Precision::kInt8});
  Rechoosing rechoosing(model, *backend, data, records);
  const std::vector<CalibrationRecord> choices = distinct_choices(records);
  const std::optional<CalibrationRecord> by_default = default_in_int8(file.manifest);
  // A promise stays, stale, until it is made anew: it has been counted.
  std::erase_if(records,
                [](const CalibrationRecord& record) { return record.origin.precision == kInt8 && !record.guarantee; });
  const std::optional<Quantity>& quantity = file.manifest.quantity;
  Table rows({"policy", "chosen by", "logits", std::string(quality_word(quantity)), "MACs of plain", "exit shares"});
  const auto add_row = [&](const CalibrationRecord& record, const std::string& what, double quality, double cost,
                           const std::vector<double>& shares) {
    rows.add({cell(record.policy.name), cell(rule_text(record, classes)), cell(what), quality_cell(quantity, quality),
              number(cost, 4), cell(shares_text(shares))});
  };
  size_t chosen = 0;
  for (const CalibrationRecord& old : choices) {
    const std::optional<CalibrationRecord> record = rechoosing.again(old, records);
    if (!record) continue;
    if (by_default && chosen_alike(*by_default, old)) file.manifest.policy = record->policy;
    const std::string& precision = old.origin.precision;
    if (is_of_other_weights(old, file, *backend)) {
      say(fmt::format("warning: '{}' was chosen on other weights in {}, which int8 is not held against",
                      record_name(old), precision));
    } else if (precision != kInt8) {
      add_row(old, precision, old.quality, old.cost_fraction, old.exit_shares);
      if (!holds_everywhere(old)) {
        const LogitTable& table = rechoosing.tune();
        const Replay kept = replay(table, *make_policy(old.policy, policy_context(table)));
        add_row(old, fmt::format("int8, thresholds of {}", precision), kept.quality, kept.cost, kept.shares);
      }
    }
    add_row(*record, kInt8, record->quality, record->cost_fraction, record->exit_shares);
    ++chosen;
  }
  if (by_default && file.manifest.policy == by_default->policy && !by_default->guarantee) {
    say(fmt::format("warning: the default policy has the thresholds of '{}' still, which were chosen with other scales",
                    record_name(*by_default)));
  }
  const std::string output = arguments.output.empty() ? arguments.model : arguments.output;
  update.save(output);
  rows.print(arguments.form);
  const Quantisation& quantisation = *file.manifest.quantisation;
  say(
      fmt::format("{} maps measured on {} samples of {} ({}); {} calibrations chosen anew on {} samples of {}; stored "
                  "in {}",
                  quantisation.scales.size(), quantisation.samples, data.splits.train.name, arguments.method, chosen,
                  rechoosing.tune().samples, data.splits.tune.name, output));
}

}  // namespace

void add_quantize(CLI::App& app) {
  const auto arguments = std::make_shared<QuantizeArguments>();
  app.add_option("model", arguments->model, "a .safetensors model; rewritten in place unless -o is given")->required();
  app.add_option("-o,--output", arguments->output, "write the quantised model here instead");
  app.add_option("--method", arguments->method,
                 "which numbers fit a map's range: min-max | percentile (99.99 %) | mse (least squared error)")
      ->capture_default_str();
  app.add_option("--samples", arguments->samples, "how many of the training split to measure on, spread evenly over it")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 30))
      ->capture_default_str();
  app.add_option("--backend", arguments->backend, "auto | onednn")->capture_default_str();
  add_data_options(app, &arguments->data);
  add_output_options(app, &arguments->form);
  app.callback([arguments] { run(*arguments); });
}

}  // namespace sooner
