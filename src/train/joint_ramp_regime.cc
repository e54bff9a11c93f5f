// Early exits' weights rise with the epochs (Shallow-Deep Networks, ICML 2019):
//   alpha_k(t) = min(c_k, start + t c_k / T), t the epoch, T their number, c_k the exit's share of the cost.
#include <algorithm>

#include "core/error.h"
#include "train/losses.h"
#include "train/regime.h"

namespace sooner {
namespace {

class JointRampRegime final : public Regime {
 public:
  explicit JointRampRegime(const RegimeContext& context)
      : epochs_(context.epochs), targets_(context.targets), start_(context.settings.number("joint_ramp.start")) {
    const RuleOrList& shares = context.settings.rule("joint_ramp.shares");
    const size_t early = context.graph.exits() - 1;
    shares_ = shares.rule.empty() ? shares.values
                                  : std::vector<double>(context.exit_cost.begin(), context.exit_cost.end() - 1);
    if (shares_.size() != early) {
      fail(Code::kInvalidArgument, "[config] joint_ramp.shares has {} numbers, expected {}: one for each early exit",
           shares_.size(), early);
    }
  }
  [[nodiscard]] std::vector<Phase> phases() const override { return {{.name = "joint-ramp", .epochs = epochs_}}; }
  [[nodiscard]] Loss loss(const ExitOutputs& outputs, const at::Tensor& labels, const Moment& at) override {
    const double t = static_cast<double>(at.epoch) / static_cast<double>(epochs_);
    std::vector<double> weights;
    for (const double share : shares_) weights.push_back(std::min(share, start_ + t * share));
    weights.push_back(1);
    return weighted_loss(outputs, labels, weights, targets_);
  }

 private:
  int64_t epochs_;
  Targets targets_;
  double start_;
  std::vector<double> shares_;
};

}  // namespace

std::unique_ptr<Regime> make_joint_ramp_regime(const RegimeContext& context) {
  return std::make_unique<JointRampRegime>(context);
}

}  // namespace sooner
