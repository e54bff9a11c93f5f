#include "train/losses.h"
#include "train/regime.h"

namespace sooner {
namespace {

class PlainRegime final : public Regime {
 public:
  explicit PlainRegime(const RegimeContext& context) : epochs_(context.epochs), targets_(context.targets) {}
  [[nodiscard]] std::vector<Phase> phases() const override { return {{.name = "plain", .epochs = epochs_}}; }
  [[nodiscard]] Loss loss(const ExitOutputs& outputs, const at::Tensor& labels, const Moment& /*at*/) override {
    return weighted_loss(outputs, labels, {1}, targets_);
  }

 private:
  int64_t epochs_;
  Targets targets_;
};

}  // namespace

std::unique_ptr<Regime> make_plain_regime(const RegimeContext& context) {
  return std::make_unique<PlainRegime>(context);
}

}  // namespace sooner
