// Differentiable branching (Scardapane et al., ICASSP 2020): exits and gates as one decision, after a joint warm-up. A
// long warm-up is what others call training in two stages. Variants differ in how gates learn.
#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/hash.h"
#include "core/rng.h"
#include "recipe/differentiable_options.h"
#include "train/losses.h"
#include "train/regime.h"

namespace sooner {
namespace {

// How far from its target a mean cost may be, as a fraction of it.
constexpr double kTargetMargin = 0.05;

class DifferentiableRegime final : public Regime {
 public:
  explicit DifferentiableRegime(const RegimeContext& context)
      : epochs_(context.epochs),
        weights_(joint_weights(context.settings.rule("joint.weights"), context.graph.exits())),
        target_cost_(context.settings.number("differentiable.target_cost")),
        variant_(context.settings.text("differentiable.variant")),
        gumbel_start_(context.settings.number("differentiable.gumbel_start")),
        gumbel_end_(context.settings.number("differentiable.gumbel_end")),
        seed_(context.seed) {
    const RegimeSettings& s = context.settings;
    options_ = {.mix_logits = s.text("differentiable.mix") == "logits",
                .every_level = s.text("differentiable.levels") == "every",
                .cost_weight = s.number("differentiable.cost_weight"),
                .last_weight = s.number("differentiable.last_weight"),
                .aux_weight = s.number("differentiable.aux_weight"),
                .targets = context.targets,
                .exit_cost = context.exit_cost};
    // Its own phase is never empty.
    const double warmup = s.number("differentiable.warmup");
    warmup_epochs_ = std::min<int64_t>(epochs_ - 1, std::llround(warmup * static_cast<double>(epochs_)));
    if (variant_ != "mixture" && (options_.mix_logits || options_.every_level)) {
      fail(Code::kInvalidArgument,
           "[config] differentiable.mix and levels belong to the variant mixture, got {}; leave them as they are",
           variant_);
    }
    const double high = s.number("differentiable.cost_weight_high");
    if (high > 0) {
      if (!(options_.cost_weight > 0 && options_.cost_weight < high) || target_cost_ > 0) {
        fail(Code::kInvalidArgument,
             "[config] differentiable.cost_weight_high {} needs a smaller cost_weight above 0 (now {}) and no "
             "target_cost "
             "(now {})",
             high, options_.cost_weight, target_cost_);
      }
      range_ = trained_cost_weights(s);
    }
    const std::vector<double>& costs = context.exit_cost;
    if (target_cost_ > 0 && !(target_cost_ > costs.front() && target_cost_ < costs.back())) {
      fail(Code::kInvalidArgument,
           "[config] differentiable.target_cost got {}, expected between {:.4g}, where everybody leaves at the first "
           "exit, and {:.4g}, the last exit's cost",
           target_cost_, costs.front(), costs.back());
    }
    if (target_cost_ > 0 && options_.cost_weight <= 0) {
      fail(Code::kInvalidArgument,
           "[config] differentiable.target_cost adapts cost_weight by factors, which is 0; give it a first value such "
           "as 0.05");
    }
  }
  [[nodiscard]] std::vector<Phase> phases() const override {
    Phase own{.name = "differentiable", .epochs = epochs_ - warmup_epochs_, .gated = true};
    if (warmup_epochs_ == 0) return {own};
    // During the warm-up gates know nothing yet: those epochs do not count.
    return {{.name = "joint", .epochs = warmup_epochs_, .selects = false}, own};
  }
  [[nodiscard]] Loss loss(const ExitOutputs& outputs, const at::Tensor& labels, const Moment& at) override {
    if (at.phase == 0 && warmup_epochs_ > 0) {
      return weighted_loss(outputs, labels, weights_, options_.targets);
    }
    if (range_) return conditioned_loss(outputs, labels, at);
    return loss_of(outputs, labels, at, options_);
  }
  [[nodiscard]] std::vector<double> state() const override { return {options_.cost_weight}; }
  void restore(std::span<const double> state) override { options_.cost_weight = state[0]; }
  [[nodiscard]] bool steers(const Moment& at) const override {
    return target_cost_ > 0 && (at.phase == 1 || warmup_epochs_ == 0);
  }
  // Multiplies cost_weight by how far the rule's cost is off, within a factor of two at a time.
  void steer(const ExitMetrics& validation) override {
    const double off = validation.cost / target_cost_;
    options_.cost_weight = std::clamp(options_.cost_weight * std::clamp(off, 0.5, 2.0), 1e-4, 100.0);
  }
  // Accuracy, less ten points for every percent that the cost is farther than 5 % from its target.
  [[nodiscard]] double score(const ExitMetrics& metrics) const override {
    if (target_cost_ <= 0 || !metrics.has_rule()) return selection_score(metrics);
    return selection_score(metrics) - 10 * std::max(0.0, std::abs(metrics.cost / target_cost_ - 1) - kTargetMargin);
  }
  [[nodiscard]] std::string remark(const ExitMetrics& validation) const override {
    if (target_cost_ <= 0 || std::abs(validation.cost / target_cost_ - 1) <= kTargetMargin) return "";
    return fmt::format(
        "the target cost {} was not met: the gates reach {:.3f} on validation; more epochs give "
        "differentiable.cost_weight "
        "(now {:.3g}) time to adapt",
        target_cost_, validation.cost, options_.cost_weight);
  }
  [[nodiscard]] std::optional<double> cost_weight() const override {
    return range_ ? range_->standard : options_.cost_weight;
  }

 private:
  Loss loss_of(const ExitOutputs& outputs, const at::Tensor& labels, const Moment& at,
               const DifferentiableOptions& options) const {
    if (variant_ == "assign") return assigned_loss(outputs, labels, options);
    if (variant_ == "gumbel") return gumbel_loss(outputs, labels, options, noise(outputs, at), temperature(at));
    return differentiable_loss(outputs, labels, options);
  }
  // A cost weight drawn evenly over the logarithm of the range: a function of the seed and the step.
  Loss conditioned_loss(const ExitOutputs& outputs, const at::Tensor& labels, const Moment& at) const {
    Rng rng{seed_, hash_bytes("cost-weight"), static_cast<uint64_t>(at.step)};
    const double position = rng.uniform(-1, 1);
    DifferentiableOptions options = options_;
    options.cost_weight = cost_weight_at(*range_, position);
    return loss_of(at_cost_weight(outputs, position), labels, at, options);
  }
  // Logistic, [N, K-1]: a function of the seed and the step, so that a resumed run draws the same.
  [[nodiscard]] at::Tensor noise(const ExitOutputs& outputs, const Moment& at) const {
    const at::Tensor& logits = outputs.logits.back();
    at::Tensor drawn = at::empty({logits.size(0), static_cast<int64_t>(outputs.gates.size())}, at::kFloat);
    Rng rng{seed_, hash_bytes("gumbel"), static_cast<uint64_t>(at.step)};
    auto* values = drawn.mutable_data_ptr<float>();
    for (int64_t i = 0; i < drawn.numel(); ++i) {
      const double u = std::max(rng.uniform(), 0x1p-53);  // 0 has no logarithm
      values[i] = static_cast<float>(std::log(u) - std::log1p(-u));
    }
    return drawn.to(logits.device());
  }
  // Falls by the same factor every step.
  [[nodiscard]] double temperature(const Moment& at) const {
    return gumbel_start_ * std::pow(gumbel_end_ / gumbel_start_, at.progress);
  }

  int64_t epochs_, warmup_epochs_ = 0;
  std::vector<double> weights_;  // [K], of the warm-up
  double target_cost_;
  std::string variant_;
  double gumbel_start_, gumbel_end_;
  uint64_t seed_;
  DifferentiableOptions options_;
  std::optional<CostWeights> range_;  // without shifts: those are the module's
};

}  // namespace

std::unique_ptr<Regime> make_differentiable_regime(const RegimeContext& context) {
  return std::make_unique<DifferentiableRegime>(context);
}

}  // namespace sooner
