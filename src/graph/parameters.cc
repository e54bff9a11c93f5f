#include "graph/parameters.h"

#include <fmt/format.h>

#include "graph/shape_inference.h"

namespace sooner {
namespace {

std::string gate_name(size_t exit_index, std::string_view part) {
  return fmt::format("exits.{}.gate.{}", exit_index, part);
}

}  // namespace

std::string gate_features_name(size_t exit_index) { return gate_name(exit_index, "features.weight"); }
std::string gate_scores_name(size_t exit_index) { return gate_name(exit_index, "scores.weight"); }
std::string gate_bias_name(size_t exit_index) { return gate_name(exit_index, "bias"); }

std::vector<ParameterSpec> parameters(const Graph& graph) {
  const std::vector<Shape> shapes = infer_shapes(graph);
  std::vector<int32_t> head_of(graph.nodes.size(), -1);
  for (size_t k = 0; k < graph.stages.size(); ++k) {
    for (const NodeId id : graph.stages[k].exit.head) head_of[static_cast<size_t>(id)] = static_cast<int32_t>(k);
  }
  std::vector<ParameterSpec> specs;
  for (size_t id = 0; id < graph.nodes.size(); ++id) {
    const Node& node = graph.nodes[id];
    const auto add = [&](std::string_view suffix, Shape shape, ParameterKind kind) {
      specs.push_back(
          {fmt::format("{}.{}", node.name, suffix), std::move(shape), kind, static_cast<NodeId>(id), head_of[id]});
    };
    const auto src = [&]() -> const Shape& { return shapes[static_cast<size_t>(node.inputs[0])]; };
    if (node.op == OpKind::kConv2d) {
      const auto& a = std::get<Conv2dAttributes>(node.attributes);
      add("weight", {a.out_channels, src()[0] / a.groups, a.kernel_h, a.kernel_w}, ParameterKind::kWeight);
      if (a.bias) add("bias", {a.out_channels}, ParameterKind::kBias);
    } else if (node.op == OpKind::kLinear) {
      const auto& a = std::get<LinearAttributes>(node.attributes);
      add("weight", {a.out_features, src()[0]}, ParameterKind::kWeight);
      if (a.bias) add("bias", {a.out_features}, ParameterKind::kBias);
    } else if (node.op == OpKind::kBatchNorm) {
      add("weight", {src()[0]}, ParameterKind::kScale);
      add("bias", {src()[0]}, ParameterKind::kShift);
      add("running_mean", {src()[0]}, ParameterKind::kRunningMean);
      add("running_var", {src()[0]}, ParameterKind::kRunningVar);
    } else if (node.op == OpKind::kMixedPool) {
      add("alpha", {1}, ParameterKind::kAlpha);
    }
  }
  for (size_t k = 0; k < graph.stages.size(); ++k) {
    const Exit& exit = graph.stages[k].exit;
    if (!exit.gate) continue;
    const auto owner = static_cast<int32_t>(k);
    const int64_t features = shapes[static_cast<size_t>(exit.features)][0];
    if (exit.gate->features) {
      specs.push_back({gate_features_name(k), {1, features}, ParameterKind::kGateFeatures, -1, owner});
    }
    if (exit.gate->scores) {
      specs.push_back({gate_scores_name(k), {1, kGateScoreCount}, ParameterKind::kGateScores, -1, owner});
    }
    specs.push_back({gate_bias_name(k), {1}, ParameterKind::kGateBias, -1, owner});
  }
  return specs;
}

}  // namespace sooner
