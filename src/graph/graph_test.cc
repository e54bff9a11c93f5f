#include "graph/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>
#include <functional>

#include "graph/carry_set.h"
#include "graph/graph_test_support.h"
#include "graph/keep_exits.h"
#include "graph/parameters.h"
#include "graph/validate.h"
#include "support/error_of.h"

namespace sooner {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

NodeId id_of(const Graph& graph, std::string_view name) {
  for (size_t id = 0; id < graph.nodes.size(); ++id) {
    if (graph.nodes[id].name == name) return static_cast<NodeId>(id);
  }
  ADD_FAILURE() << "no node " << name;
  return -1;
}

// What validate says after `change` has been made to the tiny network with one exit.
std::string complaint(const std::function<void(Graph&)>& change) {
  Graph graph = tiny_with_exit();
  validate(graph);
  change(graph);
  const Error error = error_of([&] { validate(graph); });
  EXPECT_EQ(error.code(), Code::kInvalidArgument);
  return error.what();
}

TEST(Validate, RefusesAGraphWithoutInputStagesOrClasses) {
  EXPECT_THAT(complaint([](Graph& g) { g.nodes.clear(); }), HasSubstr("node 0 is not the input"));
  EXPECT_THAT(complaint([](Graph& g) { g.nodes[0].op = OpKind::kRelu; }), HasSubstr("node 0 is not the input"));
  EXPECT_THAT(complaint([](Graph& g) { g.stages.clear(); }), HasSubstr("has no stage"));
  EXPECT_THAT(complaint([](Graph& g) { g.classes = 0; }), HasSubstr("0 classes, expected 1 or more"));
  EXPECT_THAT(complaint([](Graph& g) { g.classes = 1; }), HasSubstr("has a gate, which needs classes"));
  EXPECT_THAT(complaint([](Graph& g) { g.input_shape = {16}; }), HasSubstr("input shape 16"));
  EXPECT_THAT(complaint([](Graph& g) { g.input_shape = {1, 0, 4}; }), HasSubstr("input shape 1x0x4"));
}

TEST(Validate, RefusesUnnamedAndRepeatedNodes) {
  EXPECT_THAT(complaint([](Graph& g) { g.nodes[1].name.clear(); }), HasSubstr("a conv2d node has no name"));
  EXPECT_THAT(complaint([](Graph& g) { g.nodes[1].name = "relu"; }), HasSubstr("two nodes are named 'relu'"));
  EXPECT_THAT(complaint([](Graph& g) { g.stages[0].exit.name = "last"; }), HasSubstr("two exits are named 'last'"));
}

TEST(Validate, RefusesASecondInput) {
  EXPECT_THAT(complaint([](Graph& g) { g.nodes[2] = {OpKind::kInput, "again", {}, {}}; }), HasSubstr("second input"));
}

TEST(Validate, WantsEveryNodeInExactlyOnePlace) {
  EXPECT_THAT(complaint([](Graph& g) { g.stages[1].trunk.pop_back(); }), HasSubstr("'relu2' belongs to no stage"));
  EXPECT_THAT(complaint([](Graph& g) { g.stages[1].trunk.push_back(1); }),
              HasSubstr("'conv' stands in stage 0 and again in stage 1"));
  EXPECT_THAT(complaint([](Graph& g) { g.stages[0].trunk.push_back(99); }),
              HasSubstr("stage 0 names node 99, expected 0 to 8"));
  EXPECT_THAT(complaint([](Graph& g) { g.stages[0].trunk.push_back(-1); }), HasSubstr("stage 0 names node -1"));
}

TEST(Validate, WantsNodesInOrder) {
  EXPECT_THAT(complaint([](Graph& g) { std::swap(g.stages[0].trunk[1], g.stages[0].trunk[2]); }),
              HasSubstr("exit 'exit0' are not in topological order"));
}

TEST(Validate, RefusesATrunkThatReadsAHead) {
  EXPECT_THAT(complaint([](Graph& g) {
                Node& flatten = g.nodes[static_cast<size_t>(id_of(g, "flatten"))];
                flatten.inputs = {id_of(g, "exits.0.head.flatten")};
                g.nodes[static_cast<size_t>(id_of(g, "fc"))].attributes = LinearAttributes{3, true};
              }),
              HasSubstr("'flatten' reads 'exits.0.head.flatten', which is not computed before it on its path"));
}

TEST(Validate, RefusesAStageThatReadsALaterOne) {
  EXPECT_THAT(complaint([](Graph& g) {
                // The first convolution moves to the second stage, its reader stays in the first.
                g.stages[0].trunk = {0, 2};
                g.stages[1].trunk.insert(g.stages[1].trunk.begin(), 1);
              }),
              HasSubstr("'relu' reads 'conv'"));
}

TEST(Validate, WantsLogitsThatAreALinearLayerOfTheirHead) {
  EXPECT_THAT(complaint([](Graph& g) { g.stages[0].exit.logits = -1; }), HasSubstr("names no logits or features"));
  EXPECT_THAT(complaint([](Graph& g) { g.stages[0].exit.features = 1000; }), HasSubstr("names no logits or features"));
  EXPECT_THAT(complaint([](Graph& g) { g.stages[0].exit.features = 0; }), HasSubstr("features node is not the input"));
  EXPECT_THAT(complaint([](Graph& g) { g.stages[0].exit.logits = g.stages[0].exit.head[0]; }),
              HasSubstr("'exits.0.head.flatten' is not the last node of its head"));
  EXPECT_THAT(complaint([](Graph& g) { g.stages[0].exit.logits = g.stages[1].exit.logits; }),
              HasSubstr("'fc' is not the last node of its head"));
}

TEST(Validate, WantsOneLogitAClass) {
  EXPECT_THAT(complaint([](Graph& g) {
                g.nodes[static_cast<size_t>(id_of(g, "exits.0.head.fc"))].attributes = LinearAttributes{4, true};
              }),
              HasSubstr("exit 0: logits have shape 4, expected 3 classes"));
}

TEST(Validate, WantsGatesThatReadSomethingAndNoneAtTheLastExit) {
  EXPECT_THAT(complaint([](Graph& g) { g.stages[1].exit.gate = Gate{}; }), HasSubstr("the last exit has a gate"));
  EXPECT_THAT(complaint([](Graph& g) { g.stages[0].exit.gate = Gate{false, false}; }),
              HasSubstr("reads neither features nor scores"));
}

TEST(Validate, RefusesMoreNodesOrExitsThanItsLimits) {
  EXPECT_THAT(complaint([](Graph& g) { g.nodes.resize(kMaxNodes + 1, g.nodes[1]); }), HasSubstr("expected at most"));
  EXPECT_THAT(complaint([](Graph& g) { g.stages.resize(kMaxExits + 1); }), HasSubstr("expected at most"));
}

TEST(Validate, TakesAsManyNodesAsItsLimit) {
  GraphBuilder b("deep", {1, 1, 1}, 3);
  const NodeId logits = b.linear("fc", b.flatten("flatten", b.input()), 3);
  // A trunk of so many ReLUs between input and head.
  Graph deep = b.finish(logits);
  deep.nodes.resize(1);
  deep.stages[0].trunk = {0};
  const auto count = static_cast<NodeId>(kMaxNodes - 3);
  for (NodeId id = 1; id <= count; ++id) {
    deep.nodes.push_back({OpKind::kRelu, fmt::format("r{}", id), {id - 1}, {}});
    deep.stages[0].trunk.push_back(id);
  }
  deep.nodes.push_back({OpKind::kFlatten, "flatten", {count}, {}});
  deep.nodes.push_back({OpKind::kLinear, "fc", {count + 1}, LinearAttributes{3}});
  deep.stages[0].exit.head = {count + 1, count + 2};
  deep.stages[0].exit.features = count + 1;
  deep.stages[0].exit.logits = count + 2;
  ASSERT_EQ(deep.nodes.size(), kMaxNodes);
  validate(deep);
}

TEST(Validate, TakesAnImageOfOnePixelAndALastExitThatIsAnAverage) {
  GraphBuilder b("least", {1, 1, 1}, 1);
  EXPECT_EQ(b.finish(b.global_avg_pool("gap", b.relu("relu", b.input()))).exits(), 1U);
}

TEST(Parameters, AreNamedShapedAndOwned) {
  const Graph graph = tiny_with_exit();
  std::vector<std::string> seen;
  for (const ParameterSpec& spec : parameters(graph)) {
    seen.push_back(fmt::format("{} {} exit {}", spec.name, to_string(spec.shape), spec.exit));
    EXPECT_EQ(spec.node < 0, spec.name.find("gate") != std::string::npos) << spec.name;
  }
  EXPECT_THAT(seen,
              ElementsAre("conv.weight 2x1x3x3 exit -1", "conv.bias 2 exit -1", "exits.0.head.fc.weight 3x32 exit 0",
                          "exits.0.head.fc.bias 3 exit 0", "conv2.weight 2x2x3x3 exit -1", "fc.weight 3x8 exit 1",
                          "fc.bias 3 exit 1", "exits.0.gate.features.weight 1x32 exit 0",
                          "exits.0.gate.scores.weight 1x4 exit 0", "exits.0.gate.bias 1 exit 0"));
}

TEST(Parameters, MarkRunningStatisticsAsNotTrained) {
  GraphBuilder b("norm", {2, 4, 4}, 3);
  const Graph graph = b.finish(b.linear("fc", b.global_avg_pool("gap", b.batch_norm("bn", b.input())), 3));
  std::vector<std::string> trained;
  for (const ParameterSpec& spec : parameters(graph)) {
    if (spec.trainable()) trained.push_back(spec.name);
  }
  EXPECT_THAT(trained, ElementsAre("bn.weight", "bn.bias", "fc.weight", "fc.bias"));
}

TEST(CarrySet, IsTheOneValueAtAPlainCut) {
  const Graph graph = tiny_with_exit();
  EXPECT_THAT(carry_set(graph, 0), ElementsAre(id_of(graph, "relu")));
  EXPECT_THAT(carry_set(graph, 1), IsEmpty());
}

TEST(CarrySet, HoldsTheSkipConnectionOfACutResidualBlock) {
  const Graph graph = attach_exits(tiny_residual(), {{"c", flat_head}});
  EXPECT_THAT(carry_set(graph, 0), ElementsAre(id_of(graph, "a"), id_of(graph, "c")));
}

TEST(CarrySet, HoldsTheInputOfACascade) {
  // A later stage that begins from the input again, as in a cascade of whole networks.
  GraphBuilder b("cascade", {1, 4, 4}, 3);
  const NodeId first = b.conv2d("first", b.input(), conv(1, 1));
  const NodeId head = flat_head(b, "exits.0.head.", first);
  const NodeId second = b.conv2d("second", b.input(), conv(2, 3));
  const NodeId last = flat_head(b, "last.", second);
  Graph graph = b.graph();
  graph.stages.resize(2);
  graph.stages[0].trunk = {0, first};
  graph.stages[0].exit = {"exit0", {head - 1, head}, head - 1, head, Gate{}};
  graph.stages[1].trunk = {second};
  graph.stages[1].exit = {"last", {last - 1, last}, last - 1, last, std::nullopt};
  validate(graph);
  EXPECT_THAT(carry_set(graph, 0), ElementsAre(0));
}

TEST(PlainBackbone, DropsEarlyHeadsAndKeepsEverythingElse) {
  const Graph graph = plain_backbone(tiny_with_exit());
  validate(graph);
  const Graph plain = tiny_plain();
  ASSERT_EQ(graph.nodes.size(), plain.nodes.size());
  for (size_t id = 0; id < plain.nodes.size(); ++id) {
    EXPECT_EQ(graph.nodes[id].name, plain.nodes[id].name);
    EXPECT_EQ(graph.nodes[id].inputs, plain.nodes[id].inputs);
    EXPECT_EQ(graph.nodes[id].attributes, plain.nodes[id].attributes);
  }
  EXPECT_EQ(graph.stages[0].trunk, plain.stages[0].trunk);
  EXPECT_EQ(graph.stages[0].exit.head, plain.stages[0].exit.head);
}

TEST(KeepExits, JoinsTheStagesOfExitsThatGo) {
  const Graph graph = attach_exits(tiny_residual(), {{"a", flat_head, Gate{}}, {"sum", flat_head, std::nullopt}});
  ASSERT_EQ(graph.exits(), 3U);
  const Graph second = keep_exits(graph, std::vector<size_t>{1});
  validate(second);
  ASSERT_EQ(second.exits(), 2U);
  EXPECT_EQ(second.stages[0].exit.name, graph.stages[1].exit.name);
  EXPECT_EQ(second.stages[0].trunk.size(), graph.stages[0].trunk.size() + graph.stages[1].trunk.size());
  EXPECT_EQ(second.nodes.size() + graph.stages[0].exit.head.size(), graph.nodes.size());
  EXPECT_FALSE(second.stages[0].exit.gate);
  const Graph first = keep_exits(graph, std::vector<size_t>{0});
  validate(first);
  EXPECT_TRUE(first.stages[0].exit.gate);
  EXPECT_EQ(first.node(first.stages[1].trunk.back()).name, "sum");
  const Graph both = keep_exits(graph, std::vector<size_t>{0, 1});
  ASSERT_EQ(both.nodes.size(), graph.nodes.size());
  for (size_t id = 0; id < graph.nodes.size(); ++id) EXPECT_EQ(both.nodes[id].name, graph.nodes[id].name);
}

TEST(KeepExits, RefusesExitsThatAreNotThere) {
  const Graph graph = tiny_with_exit();
  for (const std::vector<size_t>& kept : {std::vector<size_t>{1}, std::vector<size_t>{7}, std::vector<size_t>{0, 0}}) {
    EXPECT_THAT(std::string(error_of([&] { keep_exits(graph, kept); }).what()), HasSubstr("expected early exits of"));
  }
}

// Heads at "a" and "sum"; the second reads the first one's answer.
Graph tiny_cascade() {
  return attach_exits(tiny_residual(), {{"a", flat_head, Gate{}, true}, {"sum", flat_head, std::nullopt, true}});
}

TEST(Cascade, AHeadReadsTheAnswerBeforeItsOwn) {
  const Graph graph = tiny_cascade();
  const NodeId first = graph.stages[0].exit.logits;
  const Exit& second = graph.stages[1].exit;
  const Node& join = graph.node(second.features);
  EXPECT_EQ(join.op, OpKind::kConcat);
  EXPECT_EQ(join.name, "exits.1.head.join");
  const Node& earlier = graph.node(join.inputs[1]);
  EXPECT_EQ(earlier.op, OpKind::kLayerNorm);
  EXPECT_THAT(earlier.inputs, ElementsAre(first));
  EXPECT_THAT(carry_set(graph, 0), Contains(first));
  EXPECT_THAT(carry_set(graph, 1), Not(Contains(second.logits)));
  EXPECT_THAT(answers_read_later(graph), ElementsAre(true, false, false));
}

TEST(Cascade, OnlyLogitsOfEarlierExitsMayBeReadAndOnlyByHeads) {
  const auto refused = [](NodeId reader, NodeId value) {
    Graph graph = tiny_cascade();
    graph.nodes[static_cast<size_t>(reader)].inputs.back() = value;
    return std::string(error_of([&] { validate(graph); }).what());
  };
  const Graph graph = tiny_cascade();
  const NodeId flat = graph.stages[0].exit.features;  // within the first head, but not its answer
  EXPECT_THAT(refused(id_of(graph, "exits.1.head.earlier"), flat), HasSubstr("not computed before it on its path"));
  EXPECT_THAT(refused(graph.stages[2].exit.features, graph.stages[0].exit.logits), HasSubstr("[graph]"));
}

TEST(Cascade, AnExitThatGoesLeavesWhatLaterHeadsReadOfIt) {
  const Graph graph = tiny_cascade();
  const Graph second = keep_exits(graph, std::vector<size_t>{1});
  validate(second);
  EXPECT_EQ(second.exits(), 2U);
  EXPECT_EQ(second.nodes.size(), graph.nodes.size());
  EXPECT_THAT(second.stages[0].exit.head, Contains(id_of(second, "exits.0.head.fc")));
  const Graph first = keep_exits(graph, std::vector<size_t>{0});
  validate(first);
  EXPECT_EQ(first.nodes.size() + graph.stages[1].exit.head.size(), graph.nodes.size());
  EXPECT_EQ(plain_backbone(graph).nodes.size(), tiny_residual().nodes.size());
}

TEST(GateNames, CountExitsFromZero) {
  EXPECT_EQ(gate_features_name(0), "exits.0.gate.features.weight");
  EXPECT_EQ(gate_scores_name(2), "exits.2.gate.scores.weight");
  EXPECT_EQ(gate_bias_name(11), "exits.11.gate.bias");
}

}  // namespace
}  // namespace sooner
