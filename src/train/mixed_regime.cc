// The backbone first, then everything jointly from there (Kubaty et al., 2025).
#include "train/backbone_phase.h"
#include "train/losses.h"
#include "train/regime.h"

namespace sooner {
namespace {

class MixedRegime final : public Regime {
 public:
  explicit MixedRegime(const RegimeContext& context)
      : epochs_(context.epochs),
        backbone_epochs_(backbone_epochs(context, "mixed", context.settings.number("mixed.backbone"))),
        targets_(context.targets),
        exits_(context.graph.exits()),
        weights_(joint_weights(context.settings.rule("joint.weights"), exits_)) {}
  [[nodiscard]] std::vector<Phase> phases() const override {
    const Phase joint{.name = "joint", .epochs = epochs_ - backbone_epochs_, .own_schedule = true};
    if (backbone_epochs_ == 0) return {joint};
    return {backbone_phase(exits_, backbone_epochs_), joint};
  }
  [[nodiscard]] Loss loss(const ExitOutputs& outputs, const at::Tensor& labels, const Moment& at) override {
    if (backbone_epochs_ == 0 || at.phase == 1) return weighted_loss(outputs, labels, weights_, targets_);
    std::vector<double> last(exits_);
    last.back() = 1;
    return weighted_loss(outputs, labels, last, targets_);
  }

 private:
  int64_t epochs_, backbone_epochs_;  // 0: the backbone comes trained
  Targets targets_;
  size_t exits_;
  std::vector<double> weights_;  // [K]
};

}  // namespace

std::unique_ptr<Regime> make_mixed_regime(const RegimeContext& context) {
  return std::make_unique<MixedRegime>(context);
}

}  // namespace sooner
