#include "recipe/regime_kind.h"

#include <algorithm>
#include <array>

#include "core/error.h"
#include "core/text.h"
#include "recipe/differentiable_options.h"

namespace sooner {
namespace {

// What joint phases share.
void declare_joint_weights(RegimeOptions& options) {
  options.add("joint", "weights",
              "Of early exits' losses, the last exit's being 1: uniform (1) | decreasing | increasing | a list. Other "
              "regimes' joint phases use them too.",
              RuleOrList{"uniform", {}}, 0, 1000, {"uniform", "decreasing", "increasing"});
}

void declare_backbone_share(RegimeOptions& options, const std::string& section, double share) {
  options.add(section, "backbone", "Share of the epochs that train the backbone.", share, 0, 1);
}

void declare_joint(RegimeOptions& options) {
  declare_joint_weights(options);
  options.add("joint", "keep_heads",
              "false: deep supervision. Exits only help training; the model file has the plain network.", true);
  options.add(
      "joint", "private_share",
      "Share of the channels at an exit that learn from that exit alone, the others from later exits alone (Gong et "
      "al., 2024); 0: all from all.",
      0.0, 0, 1);
}

void declare_joint_ramp(RegimeOptions& options) {
  options.add("joint_ramp", "shares", "Where early exits' weights end: costs (each exit's C) | a list, one for each.",
              RuleOrList{"costs", {}}, 0, 1000, {"costs"});
  options.add("joint_ramp", "start", "Where they begin.", 0.01, 0, 1000);
}

void declare_survivors(RegimeOptions& options) {
  declare_joint_weights(options);
  options.add("survivors", "leave", "Share of the samples that arrive at an early exit and leave there.", 0.5, 0, 1);
  options.add("survivors", "floor", "Weight of a sample at an exit where it does not arrive; 1: joint.", 0.3, 0, 1);
}

void declare_distillation(RegimeOptions& options) {
  options.add("distillation", "share",
              "Of the teacher's answers against the labels; 0: labels alone; 1: the teacher learns nothing. This loss "
              "is 10/K times others of K exits: it may want a lower learning rate.",
              0.5, 0, 1);
}

void declare_mixed(RegimeOptions& options) {
  declare_joint_weights(options);
  declare_backbone_share(options, "mixed", 0.5);
}

void declare_differentiable(RegimeOptions& options) {
  declare_joint_weights(options);
  declare_differentiable_options(options);
}

}  // namespace

std::span<const RegimeKind> regime_kinds() {
  static const std::array kKinds = {
      RegimeKind{.name = "plain", .summary = "no exits", .exits = false},
      RegimeKind{.name = "joint", .summary = "every exit's own loss", .declare = declare_joint},
      RegimeKind{.name = "joint-ramp",
                 .summary = "joint, early exits' weights rising with the epochs",
                 .declare = declare_joint_ramp},
      RegimeKind{.name = "depth-weighted", .summary = "every exit's own loss, weighted by its depth"},
      RegimeKind{.name = "distillation",
                 .summary = "early exits also learn the last one's answers",
                 .numbers = false,
                 .declare = declare_distillation},
      RegimeKind{.name = "local", .summary = "every stage by its own exit, no gradient between stages"},
      RegimeKind{.name = "layer-wise", .summary = "stage after stage, those before frozen"},
      RegimeKind{.name = "classifier-wise",
                 .summary = "the backbone, then heads alone on it",
                 .declare = [](RegimeOptions& options) { declare_backbone_share(options, "classifier_wise", 0.7); }},
      RegimeKind{.name = "zero-time-waste",
                 .summary = "as classifier-wise, heads reading the answer before theirs",
                 .cascade = true,
                 .numbers = false,
                 .declare = [](RegimeOptions& options) { declare_backbone_share(options, "zero_time_waste", 0.7); }},
      RegimeKind{.name = "mixed", .summary = "the backbone, then joint from it", .declare = declare_mixed},
      RegimeKind{.name = "survivors",
                 .summary = "joint, exits learning most from the samples they will meet",
                 .numbers = false,
                 .declare = declare_survivors},
      RegimeKind{.name = "boosting",
                 .summary = "joint, an exit's answer added to those before",
                 .sums = true,
                 .numbers = false,
                 .declare = declare_joint_weights},
      RegimeKind{.name = "differentiable",
                 .summary = "exits and gates as one decision",
                 .gates = true,
                 .numbers = false,
                 .declare = declare_differentiable}};
  return kKinds;
}

std::vector<std::string> regime_names() {
  std::vector<std::string> names;
  for (const RegimeKind& kind : regime_kinds()) names.emplace_back(kind.name);
  return names;
}

const RegimeKind& regime_kind(std::string_view name) {
  const auto kinds = regime_kinds();
  const auto found = std::ranges::find_if(kinds, [&](const RegimeKind& kind) { return kind.name == name; });
  if (found == kinds.end()) {
    fail(Code::kInvalidArgument, "[regime] got unknown regime '{}'; {}", name, suggest(name, regime_names()));
  }
  return *found;
}

}  // namespace sooner
