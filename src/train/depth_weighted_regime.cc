// L = sum_k k CE_k / sum_k k, k from 1 (PABEE, NeurIPS 2020).
#include "train/losses.h"
#include "train/regime.h"

namespace sooner {
namespace {

class DepthWeightedRegime final : public Regime {
 public:
  explicit DepthWeightedRegime(const RegimeContext& context) : epochs_(context.epochs), targets_(context.targets) {
    const auto exits = static_cast<double>(context.graph.exits());
    for (double k = 1; k <= exits; ++k) weights_.push_back(2 * k / (exits * (exits + 1)));
  }
  [[nodiscard]] std::vector<Phase> phases() const override { return {{.name = "depth-weighted", .epochs = epochs_}}; }
  [[nodiscard]] Loss loss(const ExitOutputs& outputs, const at::Tensor& labels, const Moment& /*at*/) override {
    return weighted_loss(outputs, labels, weights_, targets_);
  }

 private:
  int64_t epochs_;
  Targets targets_;
  std::vector<double> weights_;  // [K]
};

}  // namespace

std::unique_ptr<Regime> make_depth_weighted_regime(const RegimeContext& context) {
  return std::make_unique<DepthWeightedRegime>(context);
}

}  // namespace sooner
