#include "network_drawing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/text.h"
#include "graph/shape_inference.h"
#include "policy/policy_kind.h"
#include "policy/threshold_units.h"

namespace sooner {
namespace {

std::string layers(const Graph& graph, const std::vector<NodeId>& nodes) {
  int convolutions = 0;
  int linears = 0;
  for (const NodeId id : nodes) {
    convolutions += graph.node(id).op == OpKind::kConv2d ? 1 : 0;
    linears += graph.node(id).op == OpKind::kLinear ? 1 : 0;
  }
  std::string text;
  if (convolutions > 0) text = fmt::format("{} conv", convolutions);
  if (linears > 0) text += fmt::format("{}{} linear", text.empty() ? "" : ", ", linears);
  return text.empty() ? "no weights" : text;
}

}  // namespace

Shape trunk_shape(const Graph& graph, size_t stage) {
  const std::vector<NodeId>& trunk = graph.stages[stage].trunk;
  return infer_shapes(graph)[static_cast<size_t>(trunk.empty() ? 0 : trunk.back())];
}

namespace {

bool abstains(const PolicySpec& policy) { return policy.abstain_below > -std::numeric_limits<double>::infinity(); }

std::string abstaining_text(const PolicySpec& policy, int32_t classes) {
  return threshold_text(abstains_by(policy, classes), policy.abstain_below, classes);
}

// What lets a sample leave at early exit k: "p >= 0.9".
std::string condition(const PolicySpec& policy, size_t k, int32_t classes) {
  if (policy.name == "never") return "nobody";
  if (policy.name == "always") return k >= static_cast<size_t>(policy.always_exit) ? "everybody" : "nobody";
  std::string text;
  for (const PolicySpec& part : policy.parts) {
    text += (text.empty() ? "" : policy.name == "any" ? " or " : " and ") + condition(part, k, classes);
  }
  if (!text.empty()) return "(" + text + ")";
  if (k < policy.class_thresholds.size()) {
    const auto [low, high] = std::ranges::minmax(policy.class_thresholds[k]);
    return threshold_text(policy.name, low, classes) + " to " + threshold_text(policy.name, high, classes) +
           ", by class";
  }
  return threshold_text(policy.name,
                        k < policy.thresholds.size() ? policy.thresholds[k]
                                                     : policy_kind(policy.name, classes).default_threshold.value_or(0),
                        classes);
}

// Whether the policy can do without this early exit's answer.
bool skips(const PolicySpec& policy, size_t k, int32_t classes) {
  const size_t early = std::max(policy.thresholds.size(), policy.class_thresholds.size());
  if (k >= early) return false;
  PolicySpec spec = policy;
  spec.cost_weight.reset();  // needs the model's range, and skips nothing
  const auto exits = static_cast<int32_t>(early + 1);
  return !make_policy(spec, {.exits = exits, .classes = classes, .has_gates = true})
              ->needs_exit(static_cast<int32_t>(k));
}

}  // namespace

std::string leaving_rule(const PolicySpec& policy, size_t k, bool last, int32_t classes) {
  const std::string answers = policy.surest_so_far ? "the surest so far answers" : "answers";
  if (last && abstains(policy)) return answers + " if " + abstaining_text(policy, classes);
  if (last) return policy.surest_so_far ? answers : "always answers";
  if (policy.cap >= 0 && static_cast<size_t>(policy.cap) == k) return "cap: everybody leaves";
  if (policy.name == "never") return "nobody leaves";
  if (policy.name == "always") {
    return static_cast<size_t>(policy.always_exit) == k ? "everybody leaves" : "skipped";
  }
  if (skips(policy, k, classes)) return "skipped";
  return "leaves if " + condition(policy, k, classes);
}

std::string draw_network(const Graph& graph, const GraphCost& cost, const PolicySpec& policy) {
  const double plain = static_cast<double>(std::max<int64_t>(1, cost.backbone_macs));
  std::string out = fmt::format("input {}\n", to_string(graph.input_shape));
  double unpaid = 0;  // heads before the exit at hand that thresholds skip, of the plain network's MACs
  for (size_t k = 0; k < graph.stages.size(); ++k) {
    const Stage& stage = graph.stages[k];
    const StageCost& price = cost.stages[k];
    const bool last = k + 1 == graph.stages.size();
    const NodeId end = stage.trunk.empty() ? 0 : stage.trunk.back();
    out += "  |\n";
    out += fmt::format("  +-- stage {}: {} -> {} at {}, {} MACs ({:.1f} %), {}\n", k, layers(graph, stage.trunk),
                       to_string(trunk_shape(graph, k)), graph.node(end).name,
                       human_count(static_cast<double>(price.trunk_macs)),
                       100 * static_cast<double>(price.trunk_macs) / plain,
                       human_count(static_cast<double>(price.parameters)) + " parameters");
    const std::string gate = !stage.exit.gate ? ""
                             : stage.exit.gate->features
                                 ? (stage.exit.gate->scores ? ", gate (features + scores)" : ", gate (features)")
                                 : ", gate (scores)";
    out +=
        fmt::format("  |   `--> exit {} \"{}\": {}{}, {} MACs; C = {:.3f}; {}\n", k, stage.exit.name,
                    layers(graph, stage.exit.head), gate, human_count(static_cast<double>(price.head_macs)),
                    cost.exit_fraction[k] - unpaid, leaving_rule(policy, k, last, static_cast<int32_t>(graph.classes)));
    if (!last && skips(policy, k, static_cast<int32_t>(graph.classes))) {
      unpaid += static_cast<double>(price.skippable_macs) / plain;
    }
    if (!last) {
      out += fmt::format("  |   cut: {} per sample go on\n", human_bytes(static_cast<double>(price.carry_bytes)));
    }
  }
  return out;
}

std::string policy_text(const PolicySpec& policy, int64_t classes) {
  std::string text = policy.name;
  if (policy.name == "always") text += fmt::format("({})", policy.always_exit);
  for (size_t i = 0; i < policy.parts.size(); ++i) {
    text += (i == 0 ? "(" : "; ") + policy_text(policy.parts[i], classes) + (i + 1 < policy.parts.size() ? "" : ")");
  }
  if (policy.ensemble.mean != EnsembleSpec().mean) text += ", " + policy.ensemble.mean;
  if (!policy.ensemble.weights.empty() || !policy.ensemble.biases.empty()) text += ", weighted";
  for (size_t k = 0; k < policy.class_thresholds.size(); ++k) {
    text += (k == 0 ? ", leaves if " : " / ") + condition(policy, k, static_cast<int32_t>(classes));
  }
  for (size_t k = 0; k < policy.thresholds.size(); ++k) {
    text += (k == 0 ? ", leaves if " : " / ") +
            threshold_text(policy.name, policy.thresholds[k], static_cast<int32_t>(classes));
  }
  for (size_t k = 0; k < policy.temperatures.size(); ++k) {
    text += fmt::format("{}{:.3g}", k == 0 ? ", temperatures " : " / ", policy.temperatures[k]);
  }
  if (policy.cost_weight) text += fmt::format(", cost weight {:.3g}", *policy.cost_weight);
  if (policy.cap >= 0) text += fmt::format(", never beyond exit {}", policy.cap);
  if (std::isfinite(policy.deadline_seconds)) text += fmt::format(", within {:.3g} s", policy.deadline_seconds);
  if (policy.surest_so_far) text += ", else the surest exit so far";
  if (abstains(policy)) {
    text += fmt::format(", knows no answer unless {}", abstaining_text(policy, static_cast<int32_t>(classes)));
  }
  return text;
}

}  // namespace sooner
