#include "graph/summed_answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/cost.h"
#include "graph/graph_builder.h"
#include "graph/parameters.h"
#include "support/error_of.h"

namespace sooner {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Graph three_exits(const std::optional<Gate>& gate = std::nullopt, bool cascade = false) {
  GraphBuilder b("tiny", {1, 4, 4}, 3);
  NodeId x = b.relu("a", b.conv2d("conv1", b.input(), conv(5, 3, 1, 1)));
  x = b.relu("b", b.conv2d("conv2", x, conv(7, 3, 1, 1)));
  x = b.relu("c", b.conv2d("conv3", x, conv(9, 3, 1, 1)));
  const Graph plain = b.finish(b.linear("fc", b.global_avg_pool("gap", x), 3));
  const HeadFunction head = [](GraphBuilder& builder, const std::string& prefix, NodeId src) {
    return builder.linear(prefix + "fc", builder.global_avg_pool(prefix + "gap", src), builder.classes());
  };
  return attach_exits(plain, {{"a", head, gate, cascade}, {"b", head, gate, cascade}});
}

TEST(SummedAnswers, LastLayersReadTheExitBefore) {
  const Graph graph = three_exits();
  const Graph summed = sum_answers(graph);
  ASSERT_EQ(summed.exits(), 3U);
  for (size_t k = 0; k < 3; ++k) {
    const Exit& exit = summed.stages[k].exit;
    EXPECT_EQ(exit.name, graph.stages[k].exit.name);
    EXPECT_EQ(summed.node(exit.logits).name, graph.node(graph.stages[k].exit.logits).name);
    if (k == 0) continue;
    const Node& join = summed.node(exit.features);
    EXPECT_EQ(join.op, OpKind::kConcat);
    EXPECT_EQ(join.name, summed.node(exit.logits).name + ".join");
    EXPECT_EQ(join.inputs[1], summed.stages[k - 1].exit.logits);
  }
  // 3 x 3 more multiply-accumulates at the second exit, as many again at the last.
  const GraphCost before = compute_cost(graph), after = compute_cost(summed);
  EXPECT_EQ(after.exit_macs[0], before.exit_macs[0]);
  EXPECT_EQ(after.stages[2].head_macs, before.stages[2].head_macs + 9);
}

TEST(SummedAnswers, WeightsBehindTheFeaturesAreOnes) {
  const Graph graph = three_exits();
  TensorMap tensors;
  for (const ParameterSpec& spec : parameters(graph)) {
    Tensor value(DType::kF32, spec.shape);
    float next = 0;
    for (float& x : value.floats()) x = next += 1;
    tensors.emplace(spec.name, value);
  }
  sum_answers(graph, tensors);
  for (const ParameterSpec& spec : parameters(sum_answers(graph))) EXPECT_EQ(tensors.at(spec.name).shape(), spec.shape);
  const auto weight = tensors.at("exits.1.head.fc.weight").floats();
  EXPECT_THAT(std::vector<float>(weight.begin() + 10, weight.begin() + 20),
              ElementsAre(8, 9, 10, 11, 12, 13, 14, 0, 1, 0));
}

TEST(SummedAnswers, RefusesWhatCannotBeSummed) {
  EXPECT_THAT(error_of([] { sum_answers(three_exits(Gate{})); }).what(), HasSubstr("exit 0 of 'tiny' has a gate"));
  EXPECT_THAT(error_of([] { sum_answers(sum_answers(three_exits())); }).what(), HasSubstr("already reads the answer"));
  EXPECT_THAT(error_of([] { sum_answers(three_exits(std::nullopt, true)); }).what(),
              HasSubstr("exit 1 of 'tiny' already reads the answer before its own"));
}

}  // namespace
}  // namespace sooner
