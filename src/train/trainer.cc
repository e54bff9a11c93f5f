#include "train/trainer.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>

#include "core/cpu.h"
#include "core/error.h"
#include "core/file.h"
#include "core/text.h"
#include "data/spread.h"
#include "format/model_file.h"
#include "graph/keep_exits.h"
#include "graph/summed_answers.h"
#include "recipe/phase_plan.h"
#include "recipe/regime_kind.h"
#include "recipe/schedule.h"
#include "run/checkpoint.h"
#include "run/environment.h"
#include "run/run_records.h"
#include "train/answer_scale.h"
#include "train/evaluate.h"
#include "train/exit_meter.h"
#include "train/export_model.h"
#include "train/gradient_norms.h"
#include "train/initialisation.h"
#include "train/losses.h"
#include "train/mixing.h"
#include "train/regime.h"
#include "train/sgd.h"
#include "train/start_weights.h"
#include "train/step_memory.h"
#include "train/step_source.h"
#include "train/torch_tensors.h"
#include "train/training_setup.h"
#include "train/weight_average.h"

namespace sooner {
namespace {

// On a GPU the loss is looked at only so often: looking waits for it.
constexpr int64_t kStepsBetweenLooksCuda = 16;
constexpr int64_t kStepsBeforeEstimate = 20;
// How often an epoch a regime that steers looks at the validation split, the end of the epoch among them.
constexpr int64_t kSteersPerEpoch = 4;
// Training images, evenly spread, from which the first convolution is whitened, and the average's statistics are taken.
constexpr int64_t kWhiteningImages = 5000;
constexpr int64_t kStatisticsBatches = 16;

class Trainer {
 public:
  Trainer(const TrainConfig& config, const RunFolder& folder, const TrainOptions& options)
      : config_(config),
        folder_(folder),
        options_(options),
        setup_(config),
        mode_(choose_compute_mode(config.train, setup_.graph)),
        targets_(setup_.targets) {
    apply_compute_mode(mode_);
    module_ = std::make_unique<GraphModule>(setup_.graph, config.train.seed,
                                            GateStart{.bias = config.regimes.number("differentiable.gate_bias"),
                                                      .shifts = setup_.cost_weights.has_value()});
    if (sums()) module_->sum_answers();
    module_->place(mode_.device, mode_.channels_last);
    // A resumed run makes them again and then takes its checkpoint's: what is frozen is frozen either way.
    if (config.train.initialisation == "identity") start_from_identity(*module_);
    if (config.train.whiten) {
      whiten_first_convolution(*module_, setup_.data, spread_over(setup_.splits.train.indices, kWhiteningImages),
                               mode_);
    }
    sgd_ = std::make_unique<Sgd>(
        *module_, SgdOptions{config.train.momentum, config.train.nesterov, config.train.weight_decay,
                             config.regimes.number("differentiable.gate_learning_rate"), config.train.shift_rate});
    if (config.train.average_decay > 0) average_.emplace(*module_, config.train.average_decay);
    meter_ = std::make_unique<ExitMeter>(setup_.graph.exits(), targets_, mode_.device);
    source_ = std::make_unique<StepSource>(config, setup_, folder, *module_, mode_);
    batches_ = source_->loader().batches_per_epoch();
    plan_ = PhasePlan(setup_.regime->phases(), batches_);
    identity_ = {config_hash(config), setup_.data.hash, to_string(mode_),
                 setup_.start ? model_hash(*setup_.start) : ""};
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
  // Exits add to each other: as a computation while training, as layers in the model file.
  [[nodiscard]] bool sums() const { return regime_kind(config_.train.regime).sums; }
  [[nodiscard]] int64_t total_steps() const { return batches_ * config_.train.epochs; }
  [[nodiscard]] const Phase& phase() const { return plan_.phase(plan_.index_of(at_.epoch)); }
  [[nodiscard]] Moment moment() const { return plan_.moment(at_.epoch, at_.step); }

  // Sets who learns, what the steps read, and the schedule of the learning rate: a phase's own, or that of the
  // neighbours it shares one with.
  void enter_phase() {
    const size_t index = plan_.index_of(at_.epoch);
    if (index == entered_) return;
    entered_ = index;
    module_->learn({phase().trunks, phase().heads, phase().detached, phase().private_share});
    weigh_step_ = !phase().trunks.empty() && !mode_.cuda();
    if (weigh_step_ && joint_step_bytes_ == 0) {
      joint_step_bytes_ = joint_step_bytes(setup_.graph, mode_, config_.train.batch_size);
    }
    if (average_ && at_.batch == 0 && at_.epoch == plan_.first_epoch(index)) average_->restart();
    const double began = now();
    const std::string remark = source_->enter(phase(), plan_.first_epoch(index));
    at_.epoch_seconds += seconds_since(began);
    if (!remark.empty()) say(remark);
    const PhasePlan::Steps steps = plan_.scheduled(index);
    schedule_start_ = steps.first;
    schedule_ = {config_.train.schedule, config_.train.learning_rate, config_.train.schedule_warmup, steps.count};
  }
  [[nodiscard]] double rate(int64_t step) const { return schedule_.rate(step - schedule_start_); }

  void say(const std::string& line) {
    append_line(folder_.log(), line);
    if (options_.listener != nullptr) options_.listener->on_line(line);
  }

  void announce() {
    say(fmt::format("{}: {} on {} ({} train, {} validation images), {} {} at {} of the plain network's MACs",
                    config_.name, setup_.graph.name, setup_.data.name, setup_.splits.train.indices.size(),
                    setup_.splits.validation.indices.size(), setup_.graph.exits(),
                    setup_.graph.exits() == 1 ? "exit" : "exits", format_costs()));
    say(fmt::format("{} regime, {} epochs of {} steps on {}", config_.train.regime, config_.train.epochs, batches_,
                    to_string(mode_)));
    if (at_.step > 0) say(fmt::format("continuing after step {} (epoch {})", at_.step, at_.epoch + 1));
  }

  [[nodiscard]] std::string format_costs() const {
    std::vector<std::string> parts;
    for (const double cost : setup_.exit_cost) parts.push_back(fmt::format("{:.3f}", cost));
    return fmt::format("{}", fmt::join(parts, " / "));
  }

  void write_environment(const TrainResult* result) const {
    Environment environment{.sooner_version = SOONER_VERSION,
                            .libtorch_version = SOONER_TORCH_VERSION,
                            .identity = identity_,
                            .processor = cpu_name(),
                            .instruction_sets = to_string(cpu_features()),
                            .processors = cpu_count(),
                            .device = device_name(mode_),
                            .loader_threads = config_.train.loader_threads,
                            .data_set = setup_.data.name,
                            .exit_cost = setup_.exit_cost};
    for (const Split* split : {&setup_.splits.train, &setup_.splits.validation, &setup_.splits.tune,
                               &setup_.splits.guarantee, &setup_.splits.test}) {
      environment.splits.push_back({split->name, static_cast<int64_t>(split->indices.size()), split->hash});
    }
    if (result != nullptr) environment.result = *result;
    sooner::write_environment(environment, folder_.environment());
  }

  [[nodiscard]] double now() const { return options_.clock->seconds(); }
  [[nodiscard]] double seconds_since(double moment) const { return now() - moment; }

  // False: asked to stop.
  bool run_epoch() {
    source_->loader().start_epoch(at_.epoch, at_.batch);
    epoch_waited_ = source_->loader().seconds_waited();
    epoch_start_ = now();
    epoch_first_batch_ = at_.batch;
    if (at_.batch == 0) meter_->clear();
    while (const Batch* batch = source_->loader().next()) {
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
    waited_seconds_ += source_->loader().seconds_waited() - epoch_waited_;
    end_epoch(seconds);
    return !stop_asked() || at_.epoch == config_.train.epochs;
  }

  [[nodiscard]] bool stop_asked() const { return options_.stop != nullptr && options_.stop->load(); }

  void step(const Batch& batch) {
    std::optional<StepMemory> memory;
    if (weigh_step_) memory.emplace();
    const at::Tensor labels = place_truth(batch, targets_, mode_);
    const std::optional<Mixing> mixing = draw_mixing(config_.mixing, config_.train.seed, at_.step,
                                                     setup_.data.image_shape[1], setup_.data.image_shape[2]);
    const ExitOutputs outputs = source_->forward(batch, moment().epoch, mixing);
    Loss loss = setup_.regime->loss(outputs, labels, moment());
    if (mixing) {
      loss = mixed_loss(loss, setup_.regime->loss(outputs, partner_labels(labels), moment()), mixing->share);
    }
    setup_.regime->adapt(outputs);
    if (!mode_.cuda() || at_.step % kStepsBetweenLooksCuda == 0) require_finite(loss);
    sgd_->clear_gradients();
    guard_torch("train", [&] { loss.total.backward(); });
    if (at_.batch + 1 == batches_) gradient_norms_ = gradient_norms(*module_);
    sgd_->step(rate(at_.step));
    if (average_) average_->add(at_.step - plan_.first_epoch(entered_) * batches_);
    meter_->add(loss, outputs, labels);
    if (memory) report_memory(memory->peak_bytes());
    ++at_.step;
    ++at_.batch;
    ++steps_here_;
    report_step();
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
      if (!std::isfinite(value)) {
        not_finite(fmt::format("exit {}'s {} is {}", k, loss_name(), std::isnan(value) ? "not a number" : "infinite"));
      }
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
    last_report_ = now();
    const TrainingMetrics m = training_metrics(meter_->sums(), setup_.exit_cost, phase());
    options_.listener->on_step({at_.epoch + 1, config_.train.epochs, at_.step, total_steps(),
                                done * config_.train.batch_size / seconds, left, m.exits.loss, m.exits.quality,
                                setup_.data.quantity});
  }

  ExitMetrics validate() {
    return measure_exits(evaluate(*module_, mode_, setup_.data, setup_.data.train, setup_.splits.validation.indices),
                         setup_.exit_cost, targets_);
  }

  void steer() {
    const int64_t every = std::max<int64_t>(1, batches_ / kSteersPerEpoch);
    if (at_.batch % every == 0 && setup_.regime->steers(moment())) setup_.regime->steer(validate());
  }

  void end_epoch(double seconds) {
    const bool gated = phase().gated;
    EpochRecord record;
    record.quantity = setup_.data.quantity;
    record.phase = phase().name;
    record.epoch = at_.epoch + 1;
    record.step = at_.step;
    record.learning_rate = rate(at_.step - 1);
    record.cost_weight = setup_.regime->cost_weight().value_or(std::nan(""));
    record.images_per_second =
        static_cast<double>((batches_ - epoch_first_batch_) * config_.train.batch_size) / seconds;
    record.waiting_share = (source_->loader().seconds_waited() - epoch_waited_) / seconds;
    record.gradient_norms = gradient_norms_;
    record.train = training_metrics(meter_->sums(), setup_.exit_cost, phase());
    if (average_) use_average();
    record.validation = validate();
    record.seconds = at_.epoch_seconds + seconds_since(epoch_start_);
    at_.epoch_seconds = 0;
    if (!gated) drop_rule(record.validation);
    require_finite_metrics(record);
    if (setup_.regime->steers(moment())) setup_.regime->steer(record.validation);
    if (phase().selects) {
      const double now = setup_.regime->score(record.validation);
      record.best = now >= at_.best_score;
      if (record.best) {
        at_.best_score = now;
        at_.best_epoch = record.epoch;
      }
      if (setup_.graph.exits() > 1) record.warnings = starving_exits(record.validation, setup_.data.quantity);
    }
    records_->add(record);
    say(summary(record, config_.train.epochs));
    // The first epoch warms up.
    if (source_->keeps_features() && moment().epoch == std::min<int64_t>(1, phase().epochs - 1)) {
      const double seconds_a_step = seconds / static_cast<double>(batches_ - epoch_first_batch_);
      say(fmt::format("{}: {}", phase().name, source_->gain(seconds_a_step)));
    }
    for (const std::string& warning : record.warnings) say("warning: " + warning);
    ++at_.epoch;
    at_.batch = 0;
    meter_->clear();
    if (record.best) save("best");
    if (average_) average_->swap();
    save("last");
  }

  // The average in the place of the weights, with statistics of its own.
  void use_average() {
    average_->swap();
    const int64_t images = kStatisticsBatches * config_.train.batch_size;
    measure_statistics(*module_, setup_.data, spread_over(setup_.splits.train.indices, images),
                       config_.train.batch_size, mode_);
  }

  static void drop_rule(ExitMetrics& metrics) {
    metrics.mean_gate.clear();
    metrics.share.clear();
    metrics.rule_quality = metrics.cost = std::nan("");
  }

  // On a GPU a loss may have gone bad between two looks; and weights may be bad after a loss that was still finite.
  void require_finite_metrics(const EpochRecord& record) const {
    for (size_t k = 0; k < setup_.graph.exits(); ++k) {
      const bool trained = !phase().computes(k) || std::isfinite(record.train.exits.loss[k]);
      if (!trained || !std::isfinite(record.validation.loss[k])) {
        not_finite(fmt::format("exit {}'s {} is not a number", k, loss_name()));
      }
    }
    if (!std::isfinite(record.train.loss)) not_finite("the mixture of the gates is not a number");
  }

  void save(const char* name) {
    Checkpoint checkpoint{at_, identity_, module_->export_tensors(), sgd_->export_buffers(), {}};
    if (average_ && !average_->swapped()) checkpoint.average = average_->export_tensors();
    for (const auto& [parameter, tensor] : checkpoint.model) {
      if (!std::ranges::all_of(tensor.floats(), [](float x) { return std::isfinite(x); })) {
        not_finite(fmt::format("'{}' holds values that are no numbers", parameter));
      }
    }
    checkpoint.position.meter_sums = meter_->sums();
    if (at_.batch > 0) checkpoint.position.epoch_seconds += seconds_since(epoch_start_);
    checkpoint.position.regime = setup_.regime->state();
    save_checkpoint(checkpoint, folder_.checkpoint(name));
  }

  void start() {
    if (!setup_.start) return;
    ModelFile& model = *setup_.start;
    const std::string& path = config_.train.start;
    if (targets_.standard) scale_answers(model.manifest.graph, inverse(*targets_.standard), model.tensors);
    const std::string taken = take_weights(*module_, model, setup_.cost_weights, path);
    const std::string& regime = model.manifest.provenance.regime;
    say(fmt::format("starting from '{}' ({}, {}): {}", path, model.manifest.graph.name,
                    regime.empty() ? "of unknown origin" : regime, taken));
    if (setup_.start_saw_kept_images) {
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
    if (average_) average_->import_tensors(saved.average);
    meter_->restore(saved.position.meter_sums);
    at_ = saved.position;
    setup_.regime->restore(at_.regime);
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
    source_.reset();
    // The best weights, on the CPU and in fp32: what the file promises is what any machine can check.
    TensorMap best = load_checkpoint(folder_.checkpoint("best")).model;
    if (targets_.standard) {
      scale_answers(setup_.graph, *targets_.standard, best);
      targets_.standard = Standard{};
    }
    module_->import_tensors(best);
    module_->place(at::kCPU, false);
    const ExitAnswers answers =
        evaluate(*module_, ComputeMode{}, setup_.data, setup_.data.train, setup_.splits.validation.indices);
    export_answers(answers, setup_.splits.validation, folder_.logits("validation"));
    if (sums()) {
      TensorMap weights = module_->export_tensors();
      sum_answers(setup_.graph, weights);
      GraphModule summed(sum_answers(setup_.graph), config_.train.seed);
      summed.import_tensors(weights);
      export_model(summed, config_, setup_.data, setup_.splits, setup_.trained_elsewhere, folder_.model());
    } else if (setup_.regime->keeps_heads()) {
      export_model(*module_, config_, setup_.data, setup_.splits, setup_.trained_elsewhere, folder_.model());
    } else {
      GraphModule plain(plain_backbone(setup_.graph), config_.train.seed);
      plain.import_tensors(module_->export_tensors());
      export_model(plain, config_, setup_.data, setup_.splits, setup_.trained_elsewhere, folder_.model());
    }
    const ExitMetrics m = measure_exits(answers, setup_.exit_cost, targets_);
    std::string rule;
    if (m.has_rule()) rule = fmt::format(", gates {:.2f} % at cost {:.3f}", 100 * m.rule_quality, m.cost);
    say(fmt::format(
        "finished: epoch {} was best: validation {} {} at the last exit{}; {:.0f} images/s, {:.1f} % of "
        "the time waiting for data",
        at_.best_epoch, quality_word(setup_.data.quantity), quality_text(setup_.data.quantity, m.quality.back()), rule,
        outcome().images_per_second, 100 * outcome().waiting_share));
    const std::string remark = setup_.regime->remark(m);
    if (!remark.empty()) say("warning: " + remark);
  }

  const TrainConfig& config_;
  const RunFolder& folder_;
  const TrainOptions& options_;
  TrainingSetup setup_;
  ComputeMode mode_;
  Targets targets_;  // of what the module answers with at the moment
  PhasePlan plan_;
  std::unique_ptr<GraphModule> module_;
  std::unique_ptr<Sgd> sgd_;
  std::optional<WeightAverage> average_;
  std::unique_ptr<ExitMeter> meter_;
  std::unique_ptr<StepSource> source_;
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
  // By options_.clock.
  double epoch_start_ = 0;
  double last_report_ = -std::numeric_limits<double>::infinity();
};

}  // namespace

void check_training(const TrainConfig& config) {
  const TrainingSetup setup(config);
  static_cast<void>(setup.regime->phases());
  static_cast<void>(choose_compute_mode(config.train, setup.graph));
  if (!setup.start) return;
  guard_torch("train", [&] {
    GraphModule module(setup.graph, config.train.seed);
    static_cast<void>(take_weights(module, *setup.start, setup.cost_weights, config.train.start));
  });
}

TrainResult train(const TrainConfig& config, const RunFolder& folder, const TrainOptions& options) {
  return guard_torch("train", [&] { return Trainer(config, folder, options).run(); });
}

}  // namespace sooner
