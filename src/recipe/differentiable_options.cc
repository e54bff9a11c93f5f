#include "recipe/differentiable_options.h"

#include <string>

namespace sooner {

void declare_differentiable_options(RegimeOptions& options) {
  const std::string section = "differentiable";
  options.add(section, "variant",
              "How gates learn: mixture (the expected loss and cost of the decision) | assign (each sample is told its "
              "cheapest good exit) | gumbel (gates drawn open or shut, straight-through gradient).",
              std::string("mixture"), 0, 0, {"mixture", "assign", "gumbel"});
  options.add(section, "mix", "What gates mix: probabilities (exact likelihood of the decision) | logits.",
              std::string("probabilities"), 0, 0, {"probabilities", "logits"});
  options.add(
      section, "levels",
      "Of the decision that are trained: first (the whole) | every (what is left from each exit on, too: per-level "
      "training).",
      std::string("first"), 0, 0, {"first", "every"});
  options.add(section, "cost_weight",
              "Nats of loss per unit of mean cost (1 = the plain network's MACs): larger exits earlier. Fashion-MNIST "
              ".05, CIFAR-10 .5.",
              0.05, 0, 1000);
  options.add(
      section, "cost_weight_high",
      "Above 0: one network for every cost weight from cost_weight to this; each step draws one, the gates are told "
      "it, and `--cost-weight` chooses it when the model runs. 0: off.",
      0.0, 0, 1000);
  options.add(section, "target_cost",
              "Mean cost to reach (of the rule g >= 0.5, on validation) by adapting cost_weight; 0: off.", 0.0, 0, 10);
  options.add(section, "last_weight", "Of the last exit's own cross-entropy.", 1.0, 0, 1000);
  options.add(section, "aux_weight", "Of each early exit's own cross-entropy; 0 may starve exits.", 0.3, 0, 1000);
  options.add(
      section, "warmup",
      "Share of the epochs trained as joint first (two-stage training); without it gates tend to shut all exits but "
      "one.",
      1.0 / 3, 0, 0.95);
  options.add(section, "gumbel_start", "Temperature of gumbel's gates at first: larger, smoother gradients.", 2.0, 0.01,
              100);
  options.add(section, "gumbel_end", "And at the end.", 0.5, 0.01, 100);
  options.add(section, "gate_bias", "Initial bias of gates, before the sigmoid; 0: each starts at 1/2.", 0.0, -20, 20);
  options.add(section, "gate_learning_rate", "Factor on the learning rate of gates.", 1.0, 0, 1000);
}

std::optional<CostWeights> trained_cost_weights(const RegimeSettings& settings) {
  const double low = settings.number("differentiable.cost_weight");
  const double high = settings.number("differentiable.cost_weight_high");
  if (!(high > 0)) return std::nullopt;
  CostWeights range{.low = low, .high = high};
  range.standard = cost_weight_at(range, 0);
  return range;
}

}  // namespace sooner
