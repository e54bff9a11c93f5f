#include "backend/onednn/stage_plan.h"

#include <gmock/gmock.h>

#include "graph/graph_builder.h"
#include "graph/shape_inference.h"
#include "zoo/zoo.h"

namespace sooner::onednn {
namespace {

using testing::ElementsAre;

// "conv1+bn1+relu" for every step, "=>" before the residual a convolution adds; heads are marked "h:".
std::vector<std::string> steps_of(const Graph& graph, size_t stage) {
  std::vector<std::string> result;
  for (const PlannedStep& step : plan_stage(graph, infer_shapes(graph), stage)) {
    std::string text = step.head ? "h:" : "";
    if (step.nodes.empty()) text += step.kind == StepKind::kGate ? "gate" : "copy " + graph.node(step.src).name;
    for (const NodeId id : step.nodes) text += (id == step.nodes[0] ? "" : "+") + graph.node(id).name;
    if (step.kind == StepKind::kConvolution && step.src2 >= 0) text += "<=" + graph.node(step.src2).name;
    result.push_back(text);
  }
  return result;
}

TEST(StagePlan, FusesAResidualNetworkIntoConvolutions) {
  const Graph graph = resnet_cifar(8, {3, 8, 8}, 10, 4);
  EXPECT_THAT(
      steps_of(graph, 0),
      ElementsAre("input", "conv1+bn1+relu", "layer1.0.conv1+layer1.0.bn1+layer1.0.relu1",
                  "layer1.0.conv2+layer1.0.bn2+layer1.0.add+layer1.0<=relu",
                  "layer2.0.conv1+layer2.0.bn1+layer2.0.relu1", "layer2.0.downsample.0+layer2.0.downsample.1",
                  "layer2.0.conv2+layer2.0.bn2+layer2.0.add+layer2.0<=layer2.0.downsample.1",
                  "layer3.0.conv1+layer3.0.bn1+layer3.0.relu1", "layer3.0.downsample.0+layer3.0.downsample.1",
                  "layer3.0.conv2+layer3.0.bn2+layer3.0.add+layer3.0<=layer3.0.downsample.1", "h:avgpool", "h:fc"));
}

TEST(StagePlan, AConvolutionEndsWithReluClipOrHardSwish) {
  GraphBuilder b("ends", {2, 3, 3}, 4);
  const NodeId first = b.clip("clip", b.batch_norm("bn", b.conv2d("conv1", b.input(), conv(3, 1))), 0, 6);
  NodeId x = b.hard_swish("swish", b.add("sum", b.conv2d("conv2", first, conv(3, 1)), first));
  x = b.hard_swish("apart", b.clip("clip2", b.conv2d("conv3", x, conv(3, 1)), 0, 6));
  x = b.clip("alone", b.relu("relu", b.conv2d("conv4", x, conv(3, 1))), 0, 6);
  const Graph graph = b.finish(b.linear("fc", b.flatten("flatten", x), 4));
  EXPECT_THAT(steps_of(graph, 0), ElementsAre("input", "conv1+bn+clip", "conv2+sum+swish<=clip", "conv3+clip2", "apart",
                                              "conv4+relu", "alone", "h:fc"));
}

TEST(StagePlan, ACarriedValueIsNotFusedAway) {
  // The exit stands between the convolution and the pool that would follow it.
  const Graph graph = build_network({"b-lenet", "names:conv1", "branchy", "both"}, {1, 28, 28}, 10);
  EXPECT_THAT(steps_of(graph, 0),
              ElementsAre("input", "conv1", "h:exits.0.head.pool0+exits.0.head.relu1", "h:exits.0.head.conv2",
                          "h:exits.0.head.pool3+exits.0.head.relu4", "h:exits.0.head.fc", "h:gate"));
  EXPECT_THAT(steps_of(graph, 1),
              ElementsAre("pool1+relu1", "conv2", "pool2+relu2", "conv3", "pool3+relu3", "h:fc1", "h:fc2"));
}

TEST(StagePlan, AFlattenThatAnotherLayerReadsIsComputed) {
  GraphBuilder b("odd", {2, 3, 3}, 4);
  const NodeId flat = b.flatten("flatten", b.input());
  const NodeId relu = b.relu("relu", flat);
  const Graph graph = b.finish(b.linear("fc", relu, 4));
  EXPECT_THAT(steps_of(graph, 0), ElementsAre("input", "flatten", "relu", "h:fc"));
}

TEST(StagePlan, OnlyOneConvolutionTakesAnAdd) {
  GraphBuilder b("two", {2, 3, 3}, 4);
  const NodeId left = b.conv2d("left", b.input(), conv(3, 1));
  const NodeId right = b.conv2d("right", b.input(), conv(3, 1));
  const Graph graph = b.finish(b.linear("fc", b.flatten("flatten", b.relu("relu", b.add("add", left, right))), 4));
  EXPECT_THAT(steps_of(graph, 0), ElementsAre("input", "right", "left+add+relu<=right", "h:fc"));
}

TEST(StagePlan, AGroupedConvolutionTakesNoAdd) {
  GraphBuilder b("groups", {2, 3, 3}, 4);
  Conv2dAttributes depthwise = conv(2, 3, 1, 1);
  depthwise.groups = 2;
  const NodeId x = b.conv2d("conv", b.input(), depthwise);
  const Graph graph = b.finish(b.linear("fc", b.flatten("flatten", b.relu("relu", b.add("add", x, b.input()))), 4));
  EXPECT_THAT(steps_of(graph, 0), ElementsAre("input", "conv", "add+relu", "h:fc"));
}

TEST(StagePlan, AValueAddedToItselfIsNoResidual) {
  GraphBuilder b("twice", {2, 3, 3}, 4);
  const NodeId x = b.conv2d("conv", b.input(), conv(3, 1));
  const Graph graph = b.finish(b.linear("fc", b.flatten("flatten", b.relu("relu", b.add("add", x, x))), 4));
  EXPECT_THAT(steps_of(graph, 0), ElementsAre("input", "conv", "add+relu", "h:fc"));
}

}  // namespace
}  // namespace sooner::onednn
