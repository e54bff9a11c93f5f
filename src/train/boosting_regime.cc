// Exits that add to each other (Yu et al., BoostNet, AAAI 2023): exit k answers with F_k = z_k + F_{k-1}, and learns
// what the exits before left wrong, F_{k-1} taken as given:
//   L = sum_k w_k l(z_k + F_{k-1})
#include "train/losses.h"
#include "train/regime.h"

namespace sooner {
namespace {

class BoostingRegime final : public Regime {
 public:
  explicit BoostingRegime(const RegimeContext& context)
      : epochs_(context.epochs),
        targets_(context.targets),
        weights_(joint_weights(context.settings.rule("joint.weights"), context.graph.exits())) {}
  [[nodiscard]] std::vector<Phase> phases() const override { return {{.name = "boosting", .epochs = epochs_}}; }
  // The module sums (GraphModule::sum_answers).
  [[nodiscard]] Loss loss(const ExitOutputs& outputs, const at::Tensor& labels, const Moment& /*at*/) override {
    return weighted_loss(outputs, labels, weights_, targets_);
  }

 private:
  int64_t epochs_;
  Targets targets_;
  std::vector<double> weights_;  // [K]
};

}  // namespace

std::unique_ptr<Regime> make_boosting_regime(const RegimeContext& context) {
  return std::make_unique<BoostingRegime>(context);
}

}  // namespace sooner
