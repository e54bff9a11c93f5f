#include "network_drawing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/text.h"
#include "graph/shape_inference.h"
#include "policy/policy_kind.h"

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

std::string abstaining_text(const PolicySpec& policy, int32_t classes) {
  return threshold_text(abstains_by(policy, classes).unit, policy.wrappers.abstain_below.as_score(), classes);
}

// What lets a sample leave at early exit k: "p >= 0.9".
std::string condition(const PolicySpec& policy, size_t k, int32_t classes) {
  const PolicyKind& kind = policy_kind(policy.name, classes);
  if (kind.fixed != nullptr) return kind.fixed(policy, static_cast<int32_t>(k)).leaves ? "everybody" : "nobody";
  std::string text;
  for (const PolicySpec& part : policy.parts) {
    text += (text.empty() ? "" : fmt::format(" {} ", kind.joins_parts)) + condition(part, k, classes);
  }
  if (!text.empty()) return "(" + text + ")";
  if (k < policy.class_thresholds.size()) {
    const std::vector<double> scores = scores_of(policy.class_thresholds[k]);
    const auto [low, high] = std::ranges::minmax(scores);
    return threshold_text(kind.unit, low, classes) + " to " + threshold_text(kind.unit, high, classes) + ", by class";
  }
  const double score =
      k < policy.thresholds.size() ? policy.thresholds[k].as_score() : kind.default_threshold.value_or(0);
  return threshold_text(kind.unit, score, classes);
}

// Settings that people gave, of a policy whose row has no words of its own for them.
std::string settings_text(const PolicySpec& policy, const PolicyKind& kind) {
  std::string text;
  for (const PolicySetting& setting : kind.settings) {
    const SettingValue* value = policy.settings.find(setting.name);
    if (setting.fitted || value == nullptr) continue;
    std::string name = setting.name;
    std::ranges::replace(name, '_', ' ');
    const auto* number = std::get_if<double>(value);
    text += fmt::format(", {} {}", name, number != nullptr ? fmt::format("{:.3g}", *number) : setting_text(*value));
  }
  return text;
}

// Whether the policy can do without this early exit's answer.
bool skips(const PolicySpec& policy, size_t k, const PolicyContext& context) {
  if (k >= std::max(policy.thresholds.size(), policy.class_thresholds.size())) return false;
  return !make_policy(policy, context)->needs_exit(static_cast<int32_t>(k));
}

}  // namespace

std::string leaving_rule(const PolicySpec& policy, size_t k, const PolicyContext& context) {
  const bool last = k + 1 == static_cast<size_t>(context.exits);
  const int32_t classes = context.classes;
  const PolicyWrappers& around = policy.wrappers;
  const std::string answers = around.surest_so_far ? "the surest so far answers" : "answers";
  if (last && around.abstains()) return answers + " if " + abstaining_text(policy, classes);
  if (last) return around.surest_so_far ? answers : "always answers";
  if (around.cap >= 0 && static_cast<size_t>(around.cap) == k) return "cap: everybody leaves";
  if (const PolicyKind& kind = policy_kind(policy.name, classes); kind.fixed != nullptr) {
    const FixedExit exit = kind.fixed(policy, static_cast<int32_t>(k));
    return !exit.asked ? "skipped" : exit.leaves ? "everybody leaves" : "nobody leaves";
  }
  if (skips(policy, k, context)) return "skipped";
  return "leaves if " + condition(policy, k, classes);
}

std::string draw_network(const Graph& graph, const GraphCost& cost, const PolicySpec& policy,
                         const PolicyContext& context) {
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
    out += fmt::format("  |   `--> exit {} \"{}\": {}{}, {} MACs; C = {:.3f}; {}\n", k, stage.exit.name,
                       layers(graph, stage.exit.head), gate, human_count(static_cast<double>(price.head_macs)),
                       cost.exit_fraction[k] - unpaid, leaving_rule(policy, k, context));
    if (!last && skips(policy, k, context)) {
      unpaid += static_cast<double>(price.skippable_macs) / plain;
    }
    if (!last) {
      out += fmt::format("  |   cut: {} per sample go on\n", human_bytes(static_cast<double>(price.carry_bytes)));
    }
  }
  return out;
}

std::string policy_text(const PolicySpec& policy, int64_t class_count) {
  const auto classes = static_cast<int32_t>(class_count);
  const PolicyKind& kind = policy_kind(policy.name, classes);
  std::string text = policy.name;
  if (kind.said != nullptr) text += kind.said(policy);
  for (size_t i = 0; i < policy.parts.size(); ++i) {
    text +=
        (i == 0 ? "(" : "; ") + policy_text(policy.parts[i], class_count) + (i + 1 < policy.parts.size() ? "" : ")");
  }
  for (size_t k = 0; k < policy.class_thresholds.size(); ++k) {
    text += (k == 0 ? ", leaves if " : " / ") + condition(policy, k, classes);
  }
  for (size_t k = 0; k < policy.thresholds.size(); ++k) {
    text += (k == 0 ? ", leaves if " : " / ") + threshold_text(kind.unit, policy.thresholds[k].as_score(), classes);
  }
  for (size_t k = 0; k < policy.temperatures.size(); ++k) {
    text += fmt::format("{}{:.3g}", k == 0 ? ", temperatures " : " / ", policy.temperatures[k]);
  }
  if (kind.said == nullptr) text += settings_text(policy, kind);
  const PolicyWrappers& around = policy.wrappers;
  if (around.cap >= 0) text += fmt::format(", never beyond exit {}", around.cap);
  if (std::isfinite(around.deadline_seconds)) text += fmt::format(", within {:.3g} s", around.deadline_seconds);
  if (around.surest_so_far) text += ", else the surest exit so far";
  if (around.abstains()) text += fmt::format(", knows no answer unless {}", abstaining_text(policy, classes));
  return text;
}

}  // namespace sooner
