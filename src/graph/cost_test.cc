#include "graph/cost.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/graph_test_support.h"
#include "graph/keep_exits.h"

namespace sooner {
namespace {

using testing::ElementsAre;

// conv: 2*4*4 outputs * 1*3*3 = 288; conv2: 2*2*2 outputs * 2*3*3 = 144; fc: 8 * 3 = 24.
TEST(Cost, CountsThePlainNetworkByHand) {
  const GraphCost cost = compute_cost(tiny_plain());
  ASSERT_EQ(cost.stages.size(), 1U);
  EXPECT_EQ(cost.stages[0].trunk_macs, 288 + 144);
  EXPECT_EQ(cost.stages[0].head_macs, 24);
  EXPECT_EQ(cost.stages[0].gate_macs, 0);
  EXPECT_EQ(cost.stages[0].carry_bytes, 0);
  EXPECT_EQ(cost.backbone_macs, 456);
  EXPECT_THAT(cost.exit_macs, ElementsAre(456));
  EXPECT_DOUBLE_EQ(cost.exit_fraction[0], 1.0);
  // conv 2*1*9 + 2; conv2 2*2*9 without bias; fc 8*3 + 3.
  EXPECT_EQ(cost.parameters, 20 + 36 + 27);
  EXPECT_EQ(cost.stages[0].parameters, 83);
}

// The exit: fc 32 * 3 = 96; its gate: 32 features and 4 scores.
TEST(Cost, PaysEveryHeadAndGateOnTheWay) {
  const GraphCost cost = compute_cost(tiny_with_exit());
  ASSERT_EQ(cost.stages.size(), 2U);
  EXPECT_EQ(cost.stages[0].trunk_macs, 288);
  EXPECT_EQ(cost.stages[0].gate_macs, 36);
  EXPECT_EQ(cost.stages[0].head_macs, 96 + 36);
  EXPECT_EQ(cost.stages[1].trunk_macs, 144);
  EXPECT_EQ(cost.stages[1].head_macs, 24);
  EXPECT_EQ(cost.backbone_macs, 456);
  EXPECT_THAT(cost.exit_macs, ElementsAre(288 + 132, 456 + 132));
  EXPECT_EQ(cost.total_macs, 588);
  EXPECT_THAT(cost.exit_fraction, ElementsAre(testing::DoubleEq(420.0 / 456), testing::DoubleEq(588.0 / 456)));
  // Head 32*3 + 3; gate 32 + 4 + 1.
  EXPECT_EQ(cost.stages[0].parameters, 20 + 99 + 37);
  EXPECT_EQ(cost.parameters, 83 + 99 + 37);
  EXPECT_EQ(cost.stages[0].carry_bytes, 2 * 4 * 4 * 4);
  EXPECT_EQ(cost.stages[1].carry_bytes, 0);
}

TEST(Cost, ChargesAGateForWhatItReads) {
  EXPECT_EQ(compute_cost(tiny_with_exit(Gate{.features = true, .scores = false})).stages[0].gate_macs, 32);
  EXPECT_EQ(compute_cost(tiny_with_exit(Gate{.features = false, .scores = true})).stages[0].gate_macs, 4);
  EXPECT_EQ(compute_cost(tiny_with_exit(std::nullopt)).stages[0].gate_macs, 0);
}

TEST(Cost, DividesTheInputChannelsAmongGroups) {
  GraphBuilder b("grouped", {4, 3, 3}, 2);
  Conv2dAttributes a = conv(6, 3, 1, 1);
  a.groups = 2;
  const GraphCost cost = compute_cost(b.finish(b.linear("fc", b.global_avg_pool("gap", b.conv2d("c", 0, a)), 2)));
  EXPECT_EQ(cost.nodes[1].macs, 6 * 9 * 2 * 9);
  EXPECT_EQ(cost.nodes[1].parameters, 6 * 2 * 9 + 6);
}

TEST(Cost, CountsTrainableParametersOnly) {
  GraphBuilder b("norm", {2, 4, 4}, 3);
  NodeId x = b.batch_norm("bn", b.input());
  x = b.mixed_pool("mix", x, pool(2, 2));
  const GraphCost cost = compute_cost(b.finish(b.linear("fc", b.flatten("flatten", x), 3, false)));
  EXPECT_EQ(cost.nodes[1].parameters, 4);  // scale and shift; the running statistics are not trained
  EXPECT_EQ(cost.nodes[2].parameters, 1);
  EXPECT_EQ(cost.parameters, 4 + 1 + 24);
}

// Bytes when each node has just run: input 64; conv 64+128; relu 128+128; conv2 128+32; relu2 32+32; flatten 32+32;
// fc 32+12.
TEST(PeakMemory, IsTheLargestSumOfLiveValues) { EXPECT_EQ(compute_cost(tiny_plain()).peak_activation_bytes, 256); }

// The skip connection keeps a (128 bytes) alive while b and c (128 each) are there, and until sum (128) is made.
TEST(PeakMemory, KeepsASkipConnectionAlive) { EXPECT_EQ(compute_cost(tiny_residual()).peak_activation_bytes, 3 * 128); }

// relu (128) stays while the head's flatten (128) is there; conv and relu together need no more.
TEST(PeakMemory, KeepsTheTrunkAliveWhileAHeadRuns) {
  EXPECT_EQ(compute_cost(tiny_with_exit()).peak_activation_bytes, 128 + 128 + 12);
}

TEST(Cost, GivesTheBackboneOfANetworkWithExitsItsOwnCost) {
  const GraphCost with = compute_cost(tiny_with_exit());
  const GraphCost plain = compute_cost(plain_backbone(tiny_with_exit()));
  EXPECT_EQ(plain.total_macs, with.backbone_macs);
  EXPECT_EQ(plain.parameters, 83);
}

}  // namespace
}  // namespace sooner
