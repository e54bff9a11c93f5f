#include "graph/graph_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/graph_test_support.h"
#include "support/error_of.h"

namespace sooner {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> names(const Graph& graph, const std::vector<NodeId>& ids) {
  std::vector<std::string> result;
  for (const NodeId id : ids) result.push_back(graph.node(id).name);
  return result;
}

TEST(GraphBuilder, ChecksShapesAtOnceAndNamesTheNode) {
  GraphBuilder b("net", {3, 8, 8}, 10);
  EXPECT_THAT(error_of([&] { b.linear("fc", b.input(), 10); }).what(), HasSubstr("'fc' (linear)"));
  EXPECT_THAT(error_of([&] { b.relu("r", 7); }).what(), HasSubstr("'r' reads a node that does not exist"));
  EXPECT_THAT(error_of([&] { b.relu("r", -1); }).what(), HasSubstr("'r' reads a node that does not exist"));
  EXPECT_THAT(error_of([&] { b.append({OpKind::kInput, "again", {}, {}}); }).what(), HasSubstr("second input"));
  EXPECT_EQ(b.size(), 1) << "what failed left nothing behind";
}

TEST(GraphBuilder, SplitsTrunkFromTheLastHead) {
  const Graph graph = tiny_plain();
  ASSERT_EQ(graph.stages.size(), 1U);
  EXPECT_THAT(names(graph, graph.stages[0].trunk), ElementsAre("input", "conv", "relu", "conv2", "relu2"));
  EXPECT_THAT(names(graph, graph.stages[0].exit.head), ElementsAre("flatten", "fc"));
  EXPECT_EQ(graph.node(graph.stages[0].exit.features).name, "flatten");
  EXPECT_EQ(graph.stages[0].exit.name, "last");
  EXPECT_FALSE(graph.stages[0].exit.gate.has_value());
}

TEST(GraphBuilder, RefusesANetworkThatDoesNotEndInALinearLayer) {
  GraphBuilder b("net", {3, 8, 8}, 10);
  const NodeId flat = b.flatten("flatten", b.input());
  EXPECT_THAT(error_of([&] { b.finish(flat); }).what(), HasSubstr("'net' does not end in a linear layer"));
  EXPECT_THAT(error_of([&] { b.finish(99); }).what(), HasSubstr("does not end in a linear layer"));
}

TEST(GraphBuilder, RefusesTheWrongNumberOfLogits) {
  GraphBuilder b("net", {3, 8, 8}, 10);
  const NodeId logits = b.linear("fc", b.flatten("flatten", b.input()), 9);
  EXPECT_THAT(error_of([&] { b.finish(logits); }).what(), HasSubstr("shape 9, expected 10 classes"));
}

TEST(AttachExits, PutsTheHeadRightBehindItsTrunkPoint) {
  const Graph graph = tiny_with_exit();
  ASSERT_EQ(graph.stages.size(), 2U);
  EXPECT_THAT(names(graph, graph.stages[0].trunk), ElementsAre("input", "conv", "relu"));
  EXPECT_THAT(names(graph, graph.stages[0].exit.head), ElementsAre("exits.0.head.flatten", "exits.0.head.fc"));
  EXPECT_THAT(names(graph, graph.stages[1].trunk), ElementsAre("conv2", "relu2"));
  EXPECT_THAT(names(graph, graph.stages[1].exit.head), ElementsAre("flatten", "fc"));
  EXPECT_EQ(graph.stages[0].exit.name, "exit0");
  EXPECT_EQ(graph.stages[1].exit.name, "last");
  EXPECT_TRUE(graph.stages[0].exit.gate.has_value());
  EXPECT_FALSE(graph.stages[1].exit.gate.has_value());
}

TEST(AttachExits, FollowsTheTrunkWhateverTheOrderOfRequests) {
  const Graph graph = attach_exits(tiny_plain(), {{"relu2", flat_head}, {"conv", flat_head, std::nullopt}});
  ASSERT_EQ(graph.stages.size(), 3U);
  EXPECT_THAT(names(graph, graph.stages[0].trunk), ElementsAre("input", "conv"));
  EXPECT_THAT(names(graph, graph.stages[1].trunk), ElementsAre("relu", "conv2", "relu2"));
  EXPECT_TRUE(graph.stages[2].trunk.empty()) << "nothing of the trunk is left for the last stage";
  EXPECT_FALSE(graph.stages[0].exit.gate.has_value());
  EXPECT_TRUE(graph.stages[1].exit.gate.has_value());
}

TEST(AttachExits, SuggestsTheNearestTrunkPoint) {
  const auto attach = [](const std::string& point) {
    return std::string(error_of([&] { attach_exits(tiny_plain(), {{point, flat_head}}); }).what());
  };
  EXPECT_THAT(attach("relu22"), HasSubstr("'relu22' is no trunk point of 'tiny'; did you mean 'relu2'?"));
  EXPECT_THAT(attach("somewhere"), HasSubstr("expected one of conv, relu, conv2, relu2"));
  EXPECT_THAT(attach("input"), HasSubstr("no trunk point"));
  EXPECT_THAT(attach("fc"), HasSubstr("no trunk point"));
}

TEST(AttachExits, RefusesTwoAtOnePlaceAndANetworkThatHasSome) {
  EXPECT_THAT(error_of([] { attach_exits(tiny_plain(), {{"relu", flat_head}, {"relu", flat_head}}); }).what(),
              HasSubstr("two exits stand at 'relu'"));
  EXPECT_THAT(error_of([] { attach_exits(tiny_with_exit(), {{"relu2", flat_head}}); }).what(),
              AllOf(HasSubstr("'tiny' has 2 exits already"), HasSubstr("plain network")));
}

TEST(AttachExits, RefusesAHeadWithTheWrongNumberOfClasses) {
  const auto wrong = [](GraphBuilder& b, const std::string& prefix, NodeId src) {
    return b.linear(prefix + "fc", b.flatten(prefix + "flatten", src), 7);
  };
  EXPECT_THAT(error_of([&] { attach_exits(tiny_plain(), {{"relu", wrong}}); }).what(), HasSubstr("expected 3 classes"));
}

TEST(SingleValueCuts, GiveMacFractionsOfTheWholeNetwork) {
  const Graph graph = tiny_plain();
  std::vector<std::string> seen;
  for (const CutPoint& cut : single_value_cuts(graph)) {
    seen.push_back(fmt::format("{} {:.4f}", graph.node(cut.node).name, cut.mac_fraction));
  }
  // 288 / 456 and 432 / 456.
  EXPECT_THAT(seen, ElementsAre("conv 0.6316", "relu 0.6316", "conv2 0.9474", "relu2 0.9474"));
}

TEST(SingleValueCuts, LeaveOutTheInsideOfAResidualBlock) {
  const Graph graph = tiny_residual();
  std::vector<std::string> seen;
  for (const CutPoint& cut : single_value_cuts(graph)) seen.push_back(graph.node(cut.node).name);
  EXPECT_THAT(seen, ElementsAre("a", "sum"));
}

}  // namespace
}  // namespace sooner
