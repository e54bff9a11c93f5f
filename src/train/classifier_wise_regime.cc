// The backbone first, then heads alone on the frozen backbone ("IC-only" of Shallow-Deep Networks, ICML 2019).
#include "train/backbone_phase.h"
#include "train/losses.h"
#include "train/regime.h"

namespace sooner {
namespace {

class ClassifierWiseRegime final : public Regime {
 public:
  explicit ClassifierWiseRegime(const RegimeContext& context)
      : epochs_(context.epochs),
        backbone_epochs_(
            backbone_epochs(context, "classifier-wise", context.settings.number("classifier_wise.backbone"))),
        targets_(context.targets),
        exits_(context.graph.exits()) {}
  [[nodiscard]] std::vector<Phase> phases() const override {
    std::vector<bool> early(exits_, true);
    early.back() = false;
    const Phase heads{.name = "heads",
                      .epochs = epochs_ - backbone_epochs_,
                      .trunks = std::vector<bool>(exits_, false),
                      .heads = early,
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

RegimeKind classifier_wise_regime_kind() {
  return {.name = "classifier-wise",
          .summary = "the backbone, then heads alone on it",
          .declare =
              [](RegimeOptions& options) {
                options.add("classifier_wise", "backbone", "Share of the epochs that train the backbone.", 0.7, 0, 1);
              },
          .make = [](const RegimeContext& context) -> std::unique_ptr<Regime> {
            return std::make_unique<ClassifierWiseRegime>(context);
          }};
}

}  // namespace sooner
