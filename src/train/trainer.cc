#include "train/trainer.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <optional>

#include "core/error.h"
#include "core/file.h"
#include "core/text.h"
#include "data/batch_loader.h"
#include "format/model_file.h"
#include "graph/cost.h"
#include "train/answer_scale.h"
#include "train/checkpoint.h"
#include "train/evaluate.h"
#include "train/exit_meter.h"
#include "train/export_model.h"
#include "train/feature_cache.h"
#include "train/gradient_norms.h"
#include "train/losses.h"
#include "train/network_source.h"
#include "train/phase_plan.h"
#include "train/regime.h"
#include "train/run_records.h"
#include "train/schedule.h"
#include "train/sgd.h"
#include "train/start_weights.h"
#include "train/step_memory.h"
#include "train/torch_tensors.h"

namespace sooner {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// On a GPU the loss is looked at only so often: looking waits for it.
constexpr int64_t kStepsBetweenLooksCuda = 16;
constexpr int64_t kStepsBeforeEstimate = 20;
// How often an epoch a regime that steers looks at the validation split.
constexpr int64_t kSteersPerEpoch = 4;

// What is configured for classes does not fit a data set that asks for a number, nor what turns or mirrors images.
void check_fits(const TrainConfig& config, const std::optional<Quantity>& quantity) {
  if (!quantity) return;
  const RegimeKind& regime = regime_kind(config.train.regime);
  if (!regime.numbers) require_classes(quantity, "train", fmt::format("the regime '{}'", regime.name));
  if (config.train.label_smoothing > 0) require_classes(quantity, "train", "train.label_smoothing");
  if (config.train.class_balance != "none") require_classes(quantity, "train", "train.class_balance");
  if (config.split.imbalance > 1) require_classes(quantity, "train", "split.imbalance");
  const AugmentOptions& augment = config.augment;
  if (!augment.flip && augment.rotate_degrees == 0 && augment.shear == 0) return;
  fail(Code::kInvalidArgument,
       "[train] augment.flip, rotate_degrees and shear change what a regression asks for, the {}; turn them off",
       quantity->name);
}

// That gates are trained for at once.
std::optional<CostWeights> cost_weight_range(const TrainConfig& config) {
  return regime_kind(config.train.regime).gates ? trained_cost_weights(config.regimes) : std::nullopt;
}

DataSet open_fitting_data_set(const TrainConfig& config) {
  DataSet data = open_data_set(config.data);
  check_fits(config, data.quantity);
  return data;
}

void check_splits(const Splits& splits, const TrainConfig& config) {
  if (splits.validation.indices.empty()) {
    fail(Code::kInvalidArgument, "[train] the validation split is empty; raise split.validation (now {})",
         config.split.validation);
  }
  const auto images = static_cast<int64_t>(splits.train.indices.size());
  if (images >= config.train.batch_size) return;
  fail(Code::kInvalidArgument, "[train] {} training images are fewer than one batch; lower train.batch_size (now {})",
       images, config.train.batch_size);
}

class Trainer {
 public:
  Trainer(const TrainConfig& config, const RunFolder& folder, const TrainOptions& options)
      : config_(config),
        folder_(folder),
        options_(options),
        data_(open_fitting_data_set(config)),
        splits_(make_splits(data_, config.split)),
        start_(load_start(config, data_)),
        graph_(described_network(config, data_, start_)),
        mode_(choose_compute_mode(config.train, graph_)),
        exit_cost_(compute_cost(graph_).exit_fraction),
        targets_(what_is_asked()),
        regime_(regime_kind(config.train.regime)
                    .make({.graph = graph_,
                           .exit_cost = exit_cost_,
                           .epochs = config.train.epochs,
                           .started = !config.train.start.empty(),
                           .targets = targets_,
                           .seed = config.train.seed,
                           .settings = config.regimes})) {
    apply_compute_mode(mode_);
    if (start_) keep_preprocessing(start_->manifest.preprocessing);
    const bool ranged = cost_weight_range(config).has_value();
    module_ = std::make_unique<GraphModule>(
        graph_, config.train.seed,
        GateStart{.bias = config.regimes.number("differentiable.gate_bias"), .shifts = ranged});
    module_->place(mode_.device, mode_.channels_last);
    sgd_ = std::make_unique<Sgd>(*module_,
                                 SgdOptions{config.train.momentum, config.train.nesterov, config.train.weight_decay,
                                            config.regimes.number("differentiable.gate_learning_rate")});
    meter_ = std::make_unique<ExitMeter>(graph_.exits(), targets_, mode_.device);
    check_splits(splits_, config);
    make_loader();
    batches_ = loader_->batches_per_epoch();
    plan_ = PhasePlan(regime_->phases(), batches_);
    identity_ = {config_hash(config), data_.hash, to_string(mode_), start_ ? model_hash(*start_) : ""};
  }

  TrainResult run() {
    if (!options_.resume || !restore()) start();
    announce();
    write_environment(nullptr);
    records_ = std::make_unique<RunRecords>(folder_, static_cast<size_t>(at_.epoch));
    while (at_.epoch < config_.train.epochs) {
      enter_phase();
      if (!run_epoch()) return interrupted();
    }
    finish();
    const TrainResult result = outcome();
    write_environment(&result);
    return result;
  }

 private:
  [[nodiscard]] int64_t total_steps() const { return batches_ * config_.train.epochs; }
  [[nodiscard]] const Phase& phase() const { return plan_.phase(plan_.index_of(at_.epoch)); }
  [[nodiscard]] Moment moment() const { return plan_.moment(at_.epoch, at_.step); }

  // Sets who learns, what the steps read, and the schedule of the learning rate: a phase's own, or that of the
  // neighbours it shares one with.
  void enter_phase() {
    const size_t index = plan_.index_of(at_.epoch);
    if (index == entered_) return;
    entered_ = index;
    module_->learn({phase().trunks, phase().heads, phase().detached});
    weigh_step_ = !phase().trunks.empty() && !mode_.cuda();
    if (weigh_step_ && joint_step_bytes_ == 0) {
      joint_step_bytes_ = joint_step_bytes(graph_, mode_, config_.train.batch_size);
    }
    keep_features(plan_.first_epoch(index));
    const PhasePlan::Steps steps = plan_.scheduled(index);
    schedule_start_ = steps.first;
    schedule_ = {config_.train.schedule, config_.train.learning_rate, config_.train.schedule_warmup, steps.count};
  }
  [[nodiscard]] double rate(int64_t step) const { return schedule_.rate(step - schedule_start_); }

  void say(const std::string& line) {
    append_line(folder_.log(), line);
    if (options_.listener != nullptr) options_.listener->on_line(line);
  }

  [[nodiscard]] Targets what_is_asked() const {
    if (data_.quantity) return {.standard = standard_of(*data_.train, splits_.train.indices)};
    return {config_.train.label_smoothing, weigh_classes()};
  }

  // [C], or none.
  [[nodiscard]] std::vector<double> weigh_classes() const {
    std::vector<int64_t> counts(static_cast<size_t>(data_.classes()));
    for (const int64_t index : splits_.train.indices) ++counts[static_cast<size_t>(data_.train->label(index))];
    return class_weights(config_.train.class_balance, counts, config_.train.class_balance_beta);
  }

  [[nodiscard]] LoaderOptions loader_options() const {
    LoaderOptions loader;
    loader.batch_size = config_.train.batch_size;
    loader.threads = config_.train.loader_threads;
    loader.shuffle = true;
    // Every step sees a full batch: normalisation statistics of a rest of one image would be nonsense.
    loader.drop_last = true;
    loader.seed = config_.train.seed;
    loader.augment = config_.augment;
    loader.mean = data_.mean;
    loader.std = data_.std;
    return loader;
  }

  void make_loader() {
    if (cache_ == nullptr) {
      loader_ = std::make_unique<BatchLoader>(data_.train, data_.image_shape, splits_.train.indices, loader_options());
      return;
    }
    LoaderOptions labels = loader_options();
    labels.augment = {};
    labels.mean = {0};
    labels.std = {1};
    loader_ = std::make_unique<BatchLoader>(std::make_shared<LabelSource>(data_.train), Shape{1, 1, 1},
                                            splits_.train.indices, labels);
  }

  // Computes what frozen stages give once, where every epoch would compute the same or may do with a few draws.
  void keep_features(int64_t first_epoch) {
    const bool kept = cache_ != nullptr;
    cache_.reset();
    rounded_ = false;
    const std::string& wanted = config_.train.feature_cache;
    const bool frozen = module_->frontier().front() != 0;
    const bool augmented = config_.augment.any();
    std::string reason;  // not to keep them
    if (wanted == "auto" && augmented) {
      reason = ", since images are augmented (train.feature_cache=on keeps some draws)";
    } else if (frozen && wanted != "off") {
      const Clock::time_point began = Clock::now();
      try {
        const int64_t draws = augmented ? std::min<int64_t>(config_.train.feature_draws, phase().epochs) : int64_t{1};
        cache_ = std::make_unique<FeatureCache>(
            folder_.features(), *module_, mode_,
            FeatureSource{data_, splits_.train.indices, loader_options(), first_epoch, draws});
      } catch (const Error& error) {
        if (wanted == "on" || error.code() != Code::kResourceExhausted) throw;
        reason = ", since their features do not fit on disk";
        rounded_ = true;
      }
      at_.epoch_seconds += seconds_since(began);
    }
    if (cache_ != nullptr) {
      say(
          fmt::format("{}: the frozen stages' features of {} images ({}) are kept, {}; computing them took {:.2f} ms a "
                      "batch",
                      phase().name, splits_.train.indices.size(),
                      augmented ? fmt::format("{} draws of augmentation", cache_->draws()) : "not augmented",
                      human_bytes(static_cast<double>(cache_->bytes())), 1e3 * cache_->seconds_computing()));
    } else if (frozen) {
      say(fmt::format("{}: the frozen stages are computed at every step{}", phase().name, reason));
    }
    if (kept || cache_ != nullptr) make_loader();
  }

  void announce() {
    say(fmt::format("{}: {} on {} ({} train, {} validation images), {} {} at {} of the plain network's MACs",
                    config_.name, graph_.name, data_.name, splits_.train.indices.size(),
                    splits_.validation.indices.size(), graph_.exits(), graph_.exits() == 1 ? "exit" : "exits",
                    format_costs()));
    say(fmt::format("{} regime, {} epochs of {} steps on {}", config_.train.regime, config_.train.epochs, batches_,
                    to_string(mode_)));
    if (at_.step > 0) say(fmt::format("continuing after step {} (epoch {})", at_.step, at_.epoch + 1));
  }

  [[nodiscard]] std::string format_costs() const {
    std::vector<std::string> parts;
    for (const double cost : exit_cost_) parts.push_back(fmt::format("{:.3f}", cost));
    return fmt::format("{}", fmt::join(parts, " / "));
  }

  void write_environment(const TrainResult* result) {
    std::vector<const Split*> splits{&splits_.train, &splits_.validation, &splits_.tune, &splits_.guarantee,
                                     &splits_.test};
    save_environment(folder_, config_, data_, splits, identity_, device_name(mode_), exit_cost_, result);
  }

  // False: asked to stop.
  bool run_epoch() {
    loader_->start_epoch(at_.epoch, at_.batch);
    epoch_waited_ = loader_->seconds_waited();
    epoch_start_ = Clock::now();
    epoch_first_batch_ = at_.batch;
    if (at_.batch == 0) meter_->clear();
    while (const Batch* batch = loader_->next()) {
      step(*batch);
      if (at_.batch < batches_) {
        steer();
        if (stop_asked()) return false;
        const int64_t every = config_.train.checkpoint_steps;
        if (every > 0 && at_.step % every == 0) save("last");
      }
    }
    const double seconds = seconds_since(epoch_start_);
    train_seconds_ += seconds;
    waited_seconds_ += loader_->seconds_waited() - epoch_waited_;
    end_epoch(seconds);
    return !stop_asked() || at_.epoch == config_.train.epochs;
  }

  [[nodiscard]] bool stop_asked() const { return options_.stop != nullptr && options_.stop->load(); }

  void step(const Batch& batch) {
    std::optional<StepMemory> memory;
    if (weigh_step_) memory.emplace();
    const at::Tensor labels = place_truth(batch, targets_, mode_);
    const ExitOutputs outputs = forward(batch);
    const Loss loss = regime_->loss(outputs, labels, moment());
    if (!mode_.cuda() || at_.step % kStepsBetweenLooksCuda == 0) require_finite(loss);
    sgd_->clear_gradients();
    guard_torch("train", [&] { loss.total.backward(); });
    if (at_.batch + 1 == batches_) gradient_norms_ = gradient_norms(*module_);
    sgd_->step(rate(at_.step));
    meter_->add(loss, outputs, labels);
    if (memory) report_memory(memory->peak_bytes());
    ++at_.step;
    ++at_.batch;
    ++steps_here_;
    report_step();
  }

  ExitOutputs forward(const Batch& batch) {
    if (cache_ != nullptr) {
      const std::vector<at::Tensor> rows = cache_->rows(moment().epoch % cache_->draws(), batch.indices);
      const AutocastRegion autocast(mode_);
      return module_->forward_from(rows);
    }
    const at::Tensor images = place_images(batch.images, batch.n, data_.image_shape, mode_);
    const AutocastRegion autocast(mode_);
    if (!rounded_) return module_->forward(images, true);
    std::vector<at::Tensor> values = module_->frontier_values(images);
    for (at::Tensor& value : values) value = value.to(at::kBFloat16).to(value.scalar_type());
    return module_->forward_from(values);
  }

  // Of a phase in which only some parts learn, beside a step in which all do.
  void report_memory(int64_t bytes) {
    weigh_step_ = false;
    say(fmt::format("{}: a step takes up to {} for values and gradients; one that trains every exit, {}", phase().name,
                    human_bytes(static_cast<double>(bytes)), human_bytes(static_cast<double>(joint_step_bytes_))));
  }

  void require_finite(const Loss& loss) const {
    if (std::isfinite(loss.total.item<double>())) return;
    for (size_t k = 0; k < loss.exit_losses.size(); ++k) {
      if (!loss.exit_losses[k].defined()) continue;
      const auto value = loss.exit_losses[k].item<double>();
      if (!std::isfinite(value)) not_finite(fmt::format("exit {}'s {} is {}", k, loss_name(), value));
    }
    not_finite("the mixture of the gates is not a number");
  }

  [[nodiscard]] const char* loss_name() const { return targets_.standard ? "loss" : "cross-entropy"; }

  [[noreturn]] void not_finite(const std::string& what) const {
    std::error_code ignored;
    const bool saved = std::filesystem::exists(folder_.checkpoint("last"), ignored);
    fail(Code::kFailedPrecondition,
         "[train] the loss is not finite at step {} (epoch {}): {}; {}; lower train.learning_rate (now {}){}",
         at_.step + 1, at_.epoch + 1, what,
         saved ? fmt::format("the last good checkpoint is '{}'", folder_.checkpoint("last").string())
               : "nothing was saved yet",
         config_.train.learning_rate, mode_.bf16 ? " or use train.precision=fp32" : "");
  }

  void report_step() {
    const double seconds = seconds_since(epoch_start_);
    const auto done = static_cast<double>(at_.batch - epoch_first_batch_);
    const double per_step = (train_seconds_ + seconds) / static_cast<double>(steps_here_);
    const double left = per_step * static_cast<double>(total_steps() - at_.step);
    if (steps_here_ == kStepsBeforeEstimate) say(fmt::format("about {} to go", human_seconds(left)));
    if (options_.listener == nullptr || seconds_since(last_report_) < options_.seconds_between_reports) return;
    last_report_ = Clock::now();
    const TrainingMetrics m = training_metrics(meter_->sums(), exit_cost_, phase());
    options_.listener->on_step({at_.epoch + 1, config_.train.epochs, at_.step, total_steps(),
                                done * config_.train.batch_size / seconds, left, m.exits.loss, m.exits.quality,
                                data_.quantity});
  }

  ExitMetrics validate() {
    return measure_exits(evaluate(*module_, mode_, data_, data_.train, splits_.validation.indices), exit_cost_,
                         targets_);
  }

  void steer() {
    const int64_t every = std::max<int64_t>(1, batches_ / kSteersPerEpoch);
    if (at_.batch % every == 0 && regime_->steers(moment())) regime_->steer(validate());
  }

  void end_epoch(double seconds) {
    const bool gated = phase().gated;
    EpochRecord record;
    record.quantity = data_.quantity;
    record.phase = phase().name;
    record.epoch = at_.epoch + 1;
    record.step = at_.step;
    record.learning_rate = rate(at_.step - 1);
    record.cost_weight = regime_->cost_weight().value_or(std::nan(""));
    record.images_per_second =
        static_cast<double>((batches_ - epoch_first_batch_) * config_.train.batch_size) / seconds;
    record.waiting_share = (loader_->seconds_waited() - epoch_waited_) / seconds;
    record.gradient_norms = gradient_norms_;
    record.train = training_metrics(meter_->sums(), exit_cost_, phase());
    record.validation = validate();
    record.seconds = at_.epoch_seconds + seconds_since(epoch_start_);
    at_.epoch_seconds = 0;
    if (!gated) drop_rule(record.validation);
    require_finite_metrics(record);
    if (phase().selects) {
      const double now = regime_->score(record.validation);
      record.best = now >= at_.best_score;
      if (record.best) {
        at_.best_score = now;
        at_.best_epoch = record.epoch;
      }
      if (graph_.exits() > 1) record.warnings = starving_exits(record.validation, data_.quantity);
    }
    records_->add(record);
    say(summary(record, config_.train.epochs));
    // The first epoch warms up.
    if (cache_ != nullptr && moment().epoch == std::min<int64_t>(1, phase().epochs - 1)) report_cache(seconds);
    for (const std::string& warning : record.warnings) say("warning: " + warning);
    ++at_.epoch;
    at_.batch = 0;
    meter_->clear();
    if (record.best) save("best");
    save("last");
  }

  void report_cache(double seconds) {
    const double with = seconds / static_cast<double>(batches_ - epoch_first_batch_);
    const double without = with - cache_->seconds_reading() + cache_->seconds_computing();
    say(fmt::format("{}: {:.1f} steps/s with features read back, about {:.1f} with the frozen stages computed",
                    phase().name, 1 / with, 1 / without));
  }

  static void drop_rule(ExitMetrics& metrics) {
    metrics.mean_gate.clear();
    metrics.share.clear();
    metrics.rule_quality = metrics.cost = std::nan("");
  }

  // On a GPU a loss may have gone bad between two looks; and weights may be bad after a loss that was still finite.
  void require_finite_metrics(const EpochRecord& record) const {
    for (size_t k = 0; k < graph_.exits(); ++k) {
      const bool trained = !phase().computes(k) || std::isfinite(record.train.exits.loss[k]);
      if (!trained || !std::isfinite(record.validation.loss[k])) {
        not_finite(fmt::format("exit {}'s {} is not a number", k, loss_name()));
      }
    }
    if (!std::isfinite(record.train.loss)) not_finite("the mixture of the gates is not a number");
  }

  void save(const char* name) {
    Checkpoint checkpoint{at_, identity_, module_->export_tensors(), sgd_->export_buffers()};
    for (const auto& [parameter, tensor] : checkpoint.model) {
      if (!std::ranges::all_of(tensor.floats(), [](float x) { return std::isfinite(x); })) {
        not_finite(fmt::format("'{}' holds values that are no numbers", parameter));
      }
    }
    checkpoint.position.meter_sums = meter_->sums();
    if (at_.batch > 0) checkpoint.position.epoch_seconds += seconds_since(epoch_start_);
    checkpoint.position.regime = regime_->state();
    save_checkpoint(checkpoint, folder_.checkpoint(name));
  }

  // Whether a model's training kept away from what this run keeps away from.
  [[nodiscard]] bool same_splits(const Provenance& provenance) const {
    try {
      const SplitOptions then = parse_config(provenance.config_toml, "provenance").split;
      return then.validation == config_.split.validation && then.calibration == config_.split.calibration &&
             then.seed == config_.split.seed;
    } catch (const Error&) {
      return false;  // of a version that wrote other options: unknown
    }
  }

  // Weights were trained on images normalised in their way, and frozen ones must go on seeing them so.
  void keep_preprocessing(const Preprocessing& before) {
    data_.mean = before.mean;
    data_.std = before.std;
  }

  void start() {
    if (!start_) return;
    const std::string& path = config_.train.start;
    if (targets_.standard) scale_answers(start_->manifest.graph, inverse(*targets_.standard), start_->tensors);
    const std::string taken = take_weights(*module_, *start_, cost_weight_range(config_), path);
    const Provenance& origin = start_->manifest.provenance;
    say(fmt::format("starting from '{}' ({}, {}): {}", path, start_->manifest.graph.name,
                    origin.regime.empty() ? "of unknown origin" : origin.regime, taken));
    if (origin.data_hash == data_.hash && !same_splits(origin)) {
      say("warning: it was trained on other splits of this data: it may have seen images kept for tuning and "
          "guarantees");
    }
  }

  // False: stopped before its first checkpoint.
  bool restore() {
    std::error_code ignored;
    if (!std::filesystem::exists(folder_.checkpoint("last"), ignored)) return false;
    const Checkpoint saved = load_checkpoint(folder_.checkpoint("last"));
    const auto same = [&](std::string_view what, const std::string& now, const std::string& then,
                          std::string_view remedy) {
      if (now == then) return;
      fail(Code::kFailedPrecondition, "[resume] {} is {}, the run was started with {}; {}", what, now, then, remedy);
    };
    same("the configuration's hash", identity_.config_hash, saved.identity.config_hash,
         "undo what was changed (config.toml, --set), or start a new run");
    same("the data's hash", identity_.data_hash, saved.identity.data_hash, "name the folder of the same data");
    same("the hash of train.start's model", identity_.start_hash, saved.identity.start_hash,
         "put the file back that was there, or start a new run");
    same("the mode", identity_.compute_mode, saved.identity.compute_mode,
         "give the same device and threads for the same bits, or start a new run");
    if (saved.position.epoch > config_.train.epochs || saved.position.batch >= batches_) {
      fail(Code::kDataLoss, "[resume] '{}' stands at epoch {}, batch {}, beyond this run's {} epochs of {}",
           folder_.checkpoint("last").string(), saved.position.epoch, saved.position.batch, config_.train.epochs,
           batches_);
    }
    module_->import_tensors(saved.model);
    sgd_->import_buffers(saved.momentum);
    meter_->restore(saved.position.meter_sums);
    at_ = saved.position;
    regime_->restore(at_.regime);
    return true;
  }

  TrainResult interrupted() {
    save("last");
    say(fmt::format("stopped after step {} and saved; go on with: sooner train --resume {}", at_.step,
                    folder_.path().string()));
    TrainResult result = outcome();
    result.interrupted = true;
    return result;
  }

  [[nodiscard]] TrainResult outcome() const {
    const double seconds = std::max(train_seconds_, 1e-9);
    return {false, at_.step, static_cast<double>(steps_here_ * config_.train.batch_size) / seconds,
            waited_seconds_ / seconds, at_.best_score};
  }

  void finish() {
    cache_.reset();
    // The best weights, on the CPU and in fp32: what the file promises is what any machine can check.
    TensorMap best = load_checkpoint(folder_.checkpoint("best")).model;
    if (targets_.standard) {
      scale_answers(graph_, *targets_.standard, best);
      targets_.standard = Standard{};
    }
    module_->import_tensors(best);
    module_->place(at::kCPU, false);
    const ExitAnswers answers = evaluate(*module_, ComputeMode{}, data_, data_.train, splits_.validation.indices);
    export_answers(answers, splits_.validation, folder_.logits("validation"));
    if (regime_->keeps_heads()) {
      export_model(*module_, config_, data_, splits_, folder_.model());
    } else {
      GraphModule plain(plain_backbone(graph_), config_.train.seed);
      plain.import_tensors(module_->export_tensors());
      export_model(plain, config_, data_, splits_, folder_.model());
    }
    const ExitMetrics m = measure_exits(answers, exit_cost_, targets_);
    std::string rule;
    if (m.has_rule()) rule = fmt::format(", gates {:.2f} % at cost {:.3f}", 100 * m.rule_quality, m.cost);
    say(
        fmt::format("finished: epoch {} was best: validation {} {} at the last exit{}; {:.0f} images/s, {:.1f} % of "
                    "the time waiting "
                    "for data",
                    at_.best_epoch, quality_word(data_.quantity), quality_text(data_.quantity, m.quality.back()), rule,
                    outcome().images_per_second, 100 * outcome().waiting_share));
    const std::string remark = regime_->remark(m);
    if (!remark.empty()) say("warning: " + remark);
  }

  const TrainConfig& config_;
  const RunFolder& folder_;
  const TrainOptions& options_;
  DataSet data_;
  Splits splits_;
  std::optional<ModelFile> start_;
  Graph graph_;
  ComputeMode mode_;
  std::vector<double> exit_cost_;
  Targets targets_;
  std::unique_ptr<Regime> regime_;
  PhasePlan plan_;
  std::unique_ptr<GraphModule> module_;
  std::unique_ptr<Sgd> sgd_;
  std::unique_ptr<ExitMeter> meter_;
  std::unique_ptr<FeatureCache> cache_;  // null: images
  // No cache, for want of room: computed features are rounded as kept ones are, so that a run resumed on a fuller or
  // emptier disk gives the same bits.
  bool rounded_ = false;
  std::unique_ptr<BatchLoader> loader_;
  std::unique_ptr<RunRecords> records_;
  std::vector<std::pair<std::string, double>> gradient_norms_;  // of an epoch's last step
  Schedule schedule_;
  RunIdentity identity_;
  TrainingPosition at_;
  int64_t batches_ = 0;
  size_t entered_ = static_cast<size_t>(-1);  // phase
  int64_t schedule_start_ = 0;                // step of the run at which it begins
  bool weigh_step_ = false;                   // count the next step's memory
  int64_t joint_step_bytes_ = 0;              // 0: not yet counted
  // Of this call, not of the run.
  int64_t steps_here_ = 0;
  int64_t epoch_first_batch_ = 0;
  double train_seconds_ = 0;
  double waited_seconds_ = 0;
  double epoch_waited_ = 0;
  Clock::time_point epoch_start_;
  Clock::time_point last_report_;
};

}  // namespace

void check_training(const TrainConfig& config) {
  const DataSet data = open_fitting_data_set(config);
  check_splits(make_splits(data, config.split), config);
  const std::optional<ModelFile> start = load_start(config, data);
  const Graph graph = described_network(config, data, start);
  const auto regime = regime_kind(config.train.regime)
                          .make({.graph = graph,
                                 .exit_cost = compute_cost(graph).exit_fraction,
                                 .epochs = config.train.epochs,
                                 .started = !config.train.start.empty(),
                                 .seed = config.train.seed,
                                 .settings = config.regimes});
  static_cast<void>(regime->phases());
  static_cast<void>(choose_compute_mode(config.train, graph));
  if (!start) return;
  guard_torch("train", [&] {
    GraphModule module(graph, config.train.seed);
    static_cast<void>(take_weights(module, *start, cost_weight_range(config), config.train.start));
  });
}

TrainResult train(const TrainConfig& config, const RunFolder& folder, const TrainOptions& options) {
  return guard_torch("train", [&] { return Trainer(config, folder, options).run(); });
}

}  // namespace sooner
