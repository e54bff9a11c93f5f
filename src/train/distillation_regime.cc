// Early exits also learn the last exit's answers, softened (Phuong and Lampert, ICCV 2019):
//   L = s { (1-a) CE(z_K) + sum_{k<K} [(1-a) CE(z_k) + a T^2 H(softmax(z_K / T), softmax(z_k / T))] },  s = 2 * 5 / K
// with the last exit as a teacher that learns nothing from it. T starts at 1 and grows by a twentieth after every step
// in which the teacher's mean largest probability at T exceeds 1/2; with C classes no T brings it below 1/C, so 1/C +
// 1/4 where that is more.
#include <algorithm>

#include "train/losses.h"
#include "train/regime.h"

namespace sooner {
namespace {

class DistillationRegime final : public Regime {
 public:
  explicit DistillationRegime(const RegimeContext& context)
      : epochs_(context.epochs), targets_(context.targets), share_(context.settings.number("distillation.share")) {}
  [[nodiscard]] std::vector<Phase> phases() const override { return {{.name = "distillation", .epochs = epochs_}}; }
  [[nodiscard]] Loss loss(const ExitOutputs& outputs, const at::Tensor& labels, const Moment& /*at*/) override {
    return distillation_loss(outputs, labels, {share_, temperature_, targets_});
  }
  void adapt(const ExitOutputs& outputs) override {
    const at::Tensor& teacher = outputs.logits.back();
    const double sure = std::max(0.5, 1 / static_cast<double>(teacher.size(1)) + 0.25);
    if (mean_largest_probability(teacher, temperature_) > sure) temperature_ *= 1.05;
  }
  [[nodiscard]] std::vector<double> state() const override { return {temperature_}; }
  void restore(std::span<const double> state) override { temperature_ = state[0]; }

 private:
  int64_t epochs_;
  Targets targets_;
  double share_;
  double temperature_ = 1;
};

}  // namespace

std::unique_ptr<Regime> make_distillation_regime(const RegimeContext& context) {
  return std::make_unique<DistillationRegime>(context);
}

}  // namespace sooner
