// Every exit learns most from the samples that it will meet: those which the exits before were less sure of.
//   L = sum_k w_k mean_i(u_ki l(z_ki)) / mean_i(u_ki),  u_ki = floor + (1 - floor) [sample i arrives at exit k]
// where, of a batch's samples that arrive at an early exit, the given share leaves there: those of the largest max p.
// Samples weighted by where they will be answered are the idea of Han et al. (L2W-DEN, ECCV 2022), who learn the
// weights by meta-gradients; here they follow from the exits themselves.
#include "train/losses.h"
#include "train/regime.h"

namespace sooner {
namespace {

class SurvivorsRegime final : public Regime {
 public:
  explicit SurvivorsRegime(const RegimeContext& context)
      : epochs_(context.epochs),
        targets_(context.targets),
        weights_(joint_weights(context.settings.rule("joint.weights"), context.graph.exits())),
        leave_(context.settings.number("survivors.leave")),
        floor_(context.settings.number("survivors.floor")) {}
  [[nodiscard]] std::vector<Phase> phases() const override { return {{.name = "survivors", .epochs = epochs_}}; }
  [[nodiscard]] Loss loss(const ExitOutputs& outputs, const at::Tensor& labels, const Moment& /*at*/) override {
    return survivor_loss(outputs, labels, weights_, {leave_, floor_, targets_});
  }

 private:
  int64_t epochs_;
  Targets targets_;
  std::vector<double> weights_;  // [K]
  double leave_, floor_;
};

}  // namespace

std::unique_ptr<Regime> make_survivors_regime(const RegimeContext& context) {
  return std::make_unique<SurvivorsRegime>(context);
}

}  // namespace sooner
