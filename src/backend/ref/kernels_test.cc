#include "backend/ref/kernels.h"

#include <gmock/gmock.h>

#include <vector>

#include "graph/graph_builder.h"

namespace sooner::ref {
namespace {

using testing::ElementsAre;
using Floats = std::vector<float>;

TEST(RefConv2d, SlidesTheKernelOverThePaddedImage) {
  // 1 2 3      1 0
  // 4 5 6   *  0 1   padded by one row above only
  Conv2dAttributes a;
  a.out_channels = 1;
  a.kernel_h = a.kernel_w = 2;
  a.pad_top = 1;
  const Floats src{1, 2, 3, 4, 5, 6};
  Floats dst(4);
  conv2d(a, {1, 2, 3}, src, Floats{1, 0, 0, 1}, Floats{10}, {1, 2, 2}, dst);
  EXPECT_THAT(dst, ElementsAre(10 + 2, 10 + 3, 10 + 1 + 5, 10 + 2 + 6));
}

TEST(RefConv2d, DilationSkipsPixels) {
  Conv2dAttributes a;
  a.out_channels = 1;
  a.kernel_w = 2;
  a.dilation_w = 3;
  Floats dst(1);
  conv2d(a, {1, 1, 4}, Floats{1, 2, 3, 4}, Floats{1, 10}, {}, {1, 1, 1}, dst);
  EXPECT_THAT(dst, ElementsAre(41));
}

TEST(RefConv2d, GroupsSeeOnlyTheirOwnChannels) {
  Conv2dAttributes a;
  a.out_channels = 4;
  a.groups = 2;
  Floats dst(4);
  // Channels {1, 2} feed outputs 0 and 1, channels {3, 4} outputs 2 and 3.
  conv2d(a, {4, 1, 1}, Floats{1, 2, 3, 4}, Floats{1, 1, 1, -1, 1, 1, 1, -1}, {}, {4, 1, 1}, dst);
  EXPECT_THAT(dst, ElementsAre(3, -1, 7, -1));
}

TEST(RefConv2d, StridesMayDiffer) {
  Conv2dAttributes a;
  a.out_channels = 1;
  a.stride_h = 2;
  a.stride_w = 3;
  Floats dst(2);
  conv2d(a, {1, 3, 3}, Floats{1, 2, 3, 4, 5, 6, 7, 8, 9}, Floats{1}, {}, {1, 2, 1}, dst);
  EXPECT_THAT(dst, ElementsAre(1, 7));
}

TEST(RefLinear, MultipliesRowsOfWeights) {
  Floats dst(2);
  linear(Floats{1, 2, 3}, Floats{1, 0, 1, 0, 2, 0}, Floats{.5F, -.5F}, dst);
  EXPECT_THAT(dst, ElementsAre(4.5F, 3.5F));
}

TEST(RefBatchNorm, UsesRunningStatistics) {
  Floats dst(2);
  batch_norm({2, 1, 1}, Floats{3, 10}, {Floats{2, 1}, Floats{1, 0}, Floats{1, 10}, Floats{4, 9}, 0}, dst);
  EXPECT_THAT(dst, ElementsAre(2 * (3 - 1) / 2.0F + 1, 0));
}

TEST(RefRelu, KeepsPositiveValues) {
  Floats dst(3);
  relu(Floats{-1, 0, 2}, dst);
  EXPECT_THAT(dst, ElementsAre(0, 0, 2));
}

TEST(RefPool, RoundsUpAndTakesTheMaximumOfRealElements) {
  // Negative values: padding must not win.
  Floats dst(4);
  pool(sooner::pool(2, 2, 0, true), 1.0, {1, 3, 3}, Floats{-1, -2, -3, -4, -5, -6, -7, -8, -9}, {1, 2, 2}, dst);
  EXPECT_THAT(dst, ElementsAre(-1, -3, -7, -9));
}

TEST(RefPool, AveragesRealElementsUnlessPaddingCounts) {
  PoolAttributes a = sooner::pool(2, 2, 1, true);
  Floats dst(1);
  pool(a, 0.0, {1, 1, 1}, Floats{8}, {1, 1, 1}, dst);
  EXPECT_THAT(dst, ElementsAre(8));
  a.count_include_pad = true;
  pool(a, 0.0, {1, 1, 1}, Floats{8}, {1, 1, 1}, dst);
  EXPECT_THAT(dst, ElementsAre(2));
}

TEST(RefPool, AWindowBeyondThePaddingDoesNotCount) {
  // One row of three, kernel 2, stride 2, rounded up: the second window holds one real element and one that is neither
  // real nor padding.
  PoolAttributes a = sooner::pool(2, 2, 0, true);
  a.kernel_h = a.stride_h = 1;
  a.count_include_pad = true;
  Floats dst(2);
  pool(a, 0.0, {1, 1, 3}, Floats{2, 4, 6}, {1, 1, 2}, dst);
  EXPECT_THAT(dst, ElementsAre(3, 6));
}

TEST(RefPool, MixesMaximumAndAverage) {
  Floats dst(1);
  pool(sooner::pool(2, 2), 0.25, {1, 2, 2}, Floats{1, 2, 3, 6}, {1, 1, 1}, dst);
  EXPECT_THAT(dst, ElementsAre(0.25F * 6 + 0.75F * 3));
}

TEST(RefGlobalAvgPool, AveragesEachChannel) {
  Floats dst(2);
  global_avg_pool({2, 1, 2}, Floats{1, 3, 10, 20}, dst);
  EXPECT_THAT(dst, ElementsAre(2, 15));
}

TEST(RefClip, EndsAtItsBounds) {
  Floats dst(4);
  clip(Floats{-2, 0.5, 3, 7}, -1, 3, dst);
  EXPECT_THAT(dst, ElementsAre(-1, 0.5, 3, 3));
}

TEST(RefHardSwish, IsLinearBeyondThree) {
  Floats dst(5);
  hard_swish(Floats{-4, -1.5, 0, 1, 4}, dst);
  EXPECT_THAT(dst, ElementsAre(0, -0.375F, 0, static_cast<float>(4.0 / 6), 4));
}

TEST(RefLeakyRelu, LetsAShareOfWhatIsBelowZeroThrough) {
  Floats dst(4);
  leaky_relu(Floats{-4, -1, 0, 3}, 0.25, dst);
  EXPECT_THAT(dst, ElementsAre(-1, -0.25F, 0, 3));
}

TEST(RefSigmoid, IsAHalfAtZeroAndEndsAtZeroAndOne) {
  Floats dst(5);
  sigmoid(Floats{0, 2, -2, -200, 200}, dst);
  EXPECT_THAT(dst, testing::Pointwise(testing::FloatEq(), Floats{0.5, 0.880797078F, 0.119202922F, 0, 1}));
}

TEST(RefHardSigmoid, IsALineBetweenZeroAndOne) {
  Floats dst(5);
  hard_sigmoid({}, Floats{-4, -1.5, 0, 1.5, 3}, dst);
  EXPECT_THAT(dst, testing::Pointwise(testing::FloatEq(), Floats{0, 0.25, 0.5, 0.75, 1}));
  hard_sigmoid({.alpha = 0.5, .beta = 0.25}, Floats{-1, -0.5, 0, 1, 2}, dst);
  EXPECT_THAT(dst, ElementsAre(0, 0, 0.25, 0.75, 1));
}

// The normal distribution's table: 0.841345 lie below 1, 0.022750 below -2. tanh(0.7978846 * 1.044715) = 0.6823838.
TEST(RefGelu, WeighsByTheNormalDistribution) {
  Floats dst(4);
  gelu({}, Floats{0, 1, -2, 9}, dst);
  EXPECT_THAT(dst, testing::Pointwise(testing::FloatNear(1e-6F), Floats{0, 0.841345F, -0.0455003F, 9}));
  gelu({.tanh = true}, Floats{0, 1, -1, 9}, dst);
  EXPECT_THAT(dst, testing::Pointwise(testing::FloatNear(1e-6F), Floats{0, 0.841192F, -0.158808F, 9}));
}

TEST(RefMul, TakesOneFactorForEachNumberOrForEachChannel) {
  Floats dst(4);
  mul(Floats{1, 2, 3, 4}, Floats{2, 3, -1, 0.5}, dst);
  EXPECT_THAT(dst, ElementsAre(2, 6, -3, 2));
  mul(Floats{1, 2, 3, 4}, Floats{10, -1}, dst);  // two channels of two pixels
  EXPECT_THAT(dst, ElementsAre(10, 20, -3, -4));
}

TEST(RefPad, PutsZerosAroundEveryChannel) {
  Floats dst(24, 7.0F);
  pad({.top = 1, .left = 2, .bottom = 0, .right = 1}, {2, 1, 1}, Floats{5, 6}, {2, 2, 4}, std::span(dst).first(16));
  EXPECT_THAT(std::span(dst).first(16), ElementsAre(0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 6, 0));
  pad({.top = 0, .left = 0, .bottom = 1, .right = 2}, {2, 2, 2}, Floats{1, 2, 3, 4, 5, 6, 7, 8}, {2, 3, 4}, dst);
  EXPECT_THAT(dst, ElementsAre(1, 2, 0, 0, 3, 4, 0, 0, 0, 0, 0, 0, 5, 6, 0, 0, 7, 8, 0, 0, 0, 0, 0, 0));
}

TEST(RefChannelShuffle, DealsGroupsOutInTurns) {
  Floats dst(12);
  channel_shuffle({.groups = 3}, {6, 1, 2}, Floats{0, 1, 10, 11, 20, 21, 30, 31, 40, 41, 50, 51}, dst);
  EXPECT_THAT(dst, ElementsAre(0, 1, 20, 21, 40, 41, 10, 11, 30, 31, 50, 51));
}

TEST(RefLocalResponseNorm, SumsSquaresOfNeighbours) {
  // Windows of an even size reach further up: {1, 2}, {1, 2, 3}, {2, 3} of size 4 begin one below and end two above.
  Floats dst(3);
  local_response_norm({.size = 4, .alpha = 8, .beta = 1, .bias = 1}, {3, 1, 1}, Floats{1, 2, 3}, dst);
  EXPECT_THAT(dst, testing::Pointwise(testing::FloatEq(), Floats{1 / 29.0F, 2 / 29.0F, 3 / 27.0F}));
}

}  // namespace
}  // namespace sooner::ref
