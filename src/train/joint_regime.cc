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
        keeps_heads_(context.settings.flag("joint.keep_heads")),
        private_share_(context.settings.number("joint.private_share")) {}
  [[nodiscard]] std::vector<Phase> phases() const override {
    return {{.name = "joint", .epochs = epochs_, .private_share = private_share_}};
  }
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
  double private_share_;
};

}  // namespace

std::unique_ptr<Regime> make_joint_regime(const RegimeContext& context) {
  return std::make_unique<JointRegime>(context);
}

}  // namespace sooner
