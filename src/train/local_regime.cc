// Every stage learns from its own exit alone: gradients stop at stage boundaries (after Deep Cascade Learning, 2018).
#include "train/losses.h"
#include "train/regime.h"

namespace sooner {
namespace {

class LocalRegime final : public Regime {
 public:
  explicit LocalRegime(const RegimeContext& context)
      : epochs_(context.epochs), targets_(context.targets), weights_(context.graph.exits(), 1.0) {}
  [[nodiscard]] std::vector<Phase> phases() const override {
    return {{.name = "local", .epochs = epochs_, .detached = true}};
  }
  [[nodiscard]] Loss loss(const ExitOutputs& outputs, const at::Tensor& labels, const Moment& /*at*/) override {
    return weighted_loss(outputs, labels, weights_, targets_);
  }

 private:
  int64_t epochs_;
  Targets targets_;
  std::vector<double> weights_;
};

}  // namespace

std::unique_ptr<Regime> make_local_regime(const RegimeContext& context) {
  return std::make_unique<LocalRegime>(context);
}

}  // namespace sooner
