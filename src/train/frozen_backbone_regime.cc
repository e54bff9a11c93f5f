#include "train/frozen_backbone_regime.h"

#include "train/backbone_phase.h"
#include "train/losses.h"

namespace sooner {
namespace {

class FrozenBackboneRegime final : public Regime {
 public:
  FrozenBackboneRegime(const RegimeContext& context, int64_t backbone_epochs)
      : epochs_(context.epochs),
        backbone_epochs_(backbone_epochs),
        targets_(context.targets),
        exits_(context.graph.exits()) {}
  [[nodiscard]] std::vector<Phase> phases() const override {
    std::vector<bool> early(exits_, true);
    early.back() = false;
    const Phase heads{.name = "heads",
                      .epochs = epochs_ - backbone_epochs_,
                      .trunks = std::vector<bool>(exits_, false),
                      .heads = early,
                      .detached = true,
                      .own_schedule = true};
    if (backbone_epochs_ == 0) return {heads};
    return {backbone_phase(exits_, backbone_epochs_), heads};
  }
  [[nodiscard]] Loss loss(const ExitOutputs& outputs, const at::Tensor& labels, const Moment& at) override {
    const bool backbone = backbone_epochs_ > 0 && at.phase == 0;
    std::vector<double> weights(exits_, backbone ? 0 : 1);
    weights.back() = backbone ? 1 : 0;
    return weighted_loss(outputs, labels, weights, targets_);
  }

 private:
  int64_t epochs_, backbone_epochs_;  // 0: the backbone comes trained
  Targets targets_;
  size_t exits_;
};

}  // namespace

std::unique_ptr<Regime> make_frozen_backbone_regime(const RegimeContext& context, std::string_view regime,
                                                    std::string_view section) {
  const double share = context.settings.number(std::string(section) + ".backbone");
  return std::make_unique<FrozenBackboneRegime>(context, backbone_epochs(context, regime, share));
}

}  // namespace sooner
