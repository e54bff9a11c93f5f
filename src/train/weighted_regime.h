// A regime of one phase that minimises a weighted sum of every exit's own loss.
#pragma once

#include <utility>
#include <vector>

#include "train/losses.h"
#include "train/regime.h"

namespace sooner {

class WeightedRegime final : public Regime {
 public:
  // weights [K]; `phase` has the context's epochs.
  WeightedRegime(const RegimeContext& context, Phase phase, std::vector<double> weights)
      : phase_(std::move(phase)), targets_(context.targets), weights_(std::move(weights)) {
    phase_.epochs = context.epochs;
  }
  [[nodiscard]] std::vector<Phase> phases() const override { return {phase_}; }
  [[nodiscard]] Loss loss(const ExitOutputs& outputs, const at::Tensor& labels, const Moment& /*at*/) override {
    return weighted_loss(outputs, labels, weights_, targets_);
  }

 private:
  Phase phase_;
  Targets targets_;
  std::vector<double> weights_;
};

}  // namespace sooner
