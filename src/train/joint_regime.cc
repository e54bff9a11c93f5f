// Every exit by its own loss (Scardapane et al. 2020, equation 6).
#include "train/losses.h"
#include "train/regime.h"

namespace sooner {
namespace {

class JointRegime final : public Regime {
 public:
  explicit JointRegime(const RegimeContext& context)
      : epochs_(context.epochs),
        targets_(context.targets),
        weights_(joint_weights(context.settings.rule("joint.weights"), context.graph.exits())),
        keeps_heads_(context.settings.flag("joint.keep_heads")) {}
  [[nodiscard]] std::vector<Phase> phases() const override { return {{.name = "joint", .epochs = epochs_}}; }
  [[nodiscard]] Loss loss(const ExitOutputs& outputs, const at::Tensor& labels, const Moment& /*at*/) override {
    return weighted_loss(outputs, labels, weights_, targets_);
  }
  [[nodiscard]] double score(const ExitMetrics& validation) const override {
    return keeps_heads_ ? selection_score(validation) : validation.quality.back();
  }
  [[nodiscard]] bool keeps_heads() const override { return keeps_heads_; }

 private:
  int64_t epochs_;
  Targets targets_;
  std::vector<double> weights_;
  bool keeps_heads_;
};

}  // namespace

void declare_joint_weights(RegimeOptions& options) {
  options.add("joint", "weights",
              "Of early exits' losses, the last exit's being 1: uniform (1) | decreasing | increasing | a list. Other "
              "regimes' joint phases use them too.",
              RuleOrList{"uniform", {}}, 0, 1000, {"uniform", "decreasing", "increasing"});
}

RegimeKind joint_regime_kind() {
  return {.name = "joint",
          .summary = "every exit's own loss",
          .declare =
              [](RegimeOptions& options) {
                declare_joint_weights(options);
                options.add("joint", "keep_heads",
                            "false: deep supervision. Exits only help training; the model file has the plain network.",
                            true);
              },
          .make = [](const RegimeContext& context) -> std::unique_ptr<Regime> {
            return std::make_unique<JointRegime>(context);
          }};
}

}  // namespace sooner
