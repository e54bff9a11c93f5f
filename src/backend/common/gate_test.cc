#include "backend/common/gate.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "graph/graph_builder.h"
#include "graph/parameters.h"

namespace sooner {
namespace {

std::array<double, 4> scores_of(std::initializer_list<float> logits) {
  std::array<double, 4> scores{};
  compute_gate_scores(std::vector<float>(logits), scores);
  return scores;
}

TEST(GateScores, EqualLogitsAreAsUnsureAsCanBe) {
  const auto scores = scores_of({2, 2, 2, 2});
  EXPECT_NEAR(scores[0], 0.25, 1e-15);
  EXPECT_NEAR(scores[1], 1, 1e-15);
  EXPECT_NEAR(scores[2], 0, 1e-15);
  EXPECT_NEAR(scores[3], 1, 1e-15);
}

TEST(GateScores, TwoClassesByHand) {
  // p = (3/4, 1/4), q = (9/10, 1/10)
  const auto scores = scores_of({std::log(3.0F), 0});
  const auto binary_entropy = [](double p) { return -(p * std::log(p) + (1 - p) * std::log(1 - p)) / std::log(2.0); };
  EXPECT_NEAR(scores[0], 0.75, 1e-7);
  EXPECT_NEAR(scores[1], binary_entropy(0.75), 1e-7);
  EXPECT_NEAR(scores[2], 0.5, 1e-7);
  EXPECT_NEAR(scores[3], binary_entropy(0.9), 1e-7);
}

TEST(GateScores, HugeLogitsStayFinite) {
  const float largest = std::numeric_limits<float>::max();
  const auto scores = scores_of({largest, -largest, 0});
  EXPECT_EQ(scores[0], 1);
  EXPECT_EQ(scores[1], 0);
  EXPECT_EQ(scores[2], 1);
  EXPECT_EQ(scores[3], 0);
}

TEST(GateUnit, AddsFeaturesScoresAndBias) {
  GraphBuilder b("tiny", {1, 1, 2}, 2);
  const NodeId x = b.relu("relu", b.input());
  const Graph plain = b.finish(b.linear("fc", b.flatten("flatten", x), 2));
  const auto head = [](GraphBuilder& builder, const std::string& prefix, NodeId src) {
    return builder.linear(prefix + "fc", builder.flatten(prefix + "flatten", src), 2);
  };
  const Graph graph = attach_exits(plain, {{"relu", head, Gate{}}});
  TensorMap tensors;
  for (const ParameterSpec& spec : parameters(graph)) tensors.emplace(spec.name, Tensor(DType::kF32, spec.shape));
  tensors.at(gate_features_name(0)) = Tensor::from_floats({1, 2}, std::vector<float>{1, 10});
  tensors.at(gate_scores_name(0)) = Tensor::from_floats({1, 4}, std::vector<float>{100, 0, 0, 1000});
  tensors.at(gate_bias_name(0)) = Tensor::from_floats({1}, std::vector<float>{0.5F});
  const GateUnit gate(graph, 0, Weights(graph, tensors));
  EXPECT_EQ(gate.macs(), 6);
  // max p = 1/2 and H(q)/ln C = 1 for equal logits.
  EXPECT_FLOAT_EQ(gate.logit(std::vector<float>{2, 3}, std::vector<float>{7, 7}), 2 + 30 + 50 + 1000 + 0.5F);
}

}  // namespace
}  // namespace sooner
