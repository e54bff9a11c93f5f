// One stage with its exit after the other, those before frozen (Deep Cascade Learning, 2018; Forward Thinking, 2017).
#include "core/error.h"
#include "train/losses.h"
#include "train/regime.h"

namespace sooner {
namespace {

class LayerWiseRegime final : public Regime {
 public:
  explicit LayerWiseRegime(const RegimeContext& context)
      : epochs_(context.epochs), targets_(context.targets), exits_(context.graph.exits()) {
    if (epochs_ < static_cast<int64_t>(exits_)) {
      fail(Code::kInvalidArgument, "[config] layer-wise got {} epochs for {} stages, expected at least one each",
           epochs_, exits_);
    }
  }
  [[nodiscard]] std::vector<Phase> phases() const override {
    std::vector<Phase> phases;
    const auto stages = static_cast<int64_t>(exits_);
    for (int64_t k = 0; k < stages; ++k) {
      std::vector<bool> alone(exits_);
      alone[static_cast<size_t>(k)] = true;
      phases.push_back({.name = fmt::format("stage {}", k),
                        .epochs = epochs_ * (k + 1) / stages - epochs_ * k / stages,
                        .trunks = alone,
                        .heads = alone,
                        .detached = true,
                        .own_schedule = true,
                        .selects = k + 1 == stages});
    }
    return phases;
  }
  [[nodiscard]] Loss loss(const ExitOutputs& outputs, const at::Tensor& labels, const Moment& at) override {
    std::vector<double> weights(exits_);
    weights[at.phase] = 1;
    return weighted_loss(outputs, labels, weights, targets_);
  }
  // Only the last stage still changes when epochs are chosen from.
  [[nodiscard]] double score(const ExitMetrics& validation) const override { return validation.quality.back(); }

 private:
  int64_t epochs_;
  Targets targets_;
  size_t exits_;
};

}  // namespace

std::unique_ptr<Regime> make_layer_wise_regime(const RegimeContext& context) {
  return std::make_unique<LayerWiseRegime>(context);
}

}  // namespace sooner
