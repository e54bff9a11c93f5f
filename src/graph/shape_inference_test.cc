#include "graph/shape_inference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "graph/graph_builder.h"
#include "support/error_of.h"

namespace sooner {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Node conv_node(const Conv2dAttributes& attributes) { return {OpKind::kConv2d, "c", {0}, attributes}; }
Node pool_node(const PoolAttributes& attributes) { return {OpKind::kMaxPool, "p", {0}, attributes}; }

TEST(ConvShape, FollowsKernelStrideAndPadding) {
  EXPECT_EQ(infer_shape(conv_node(conv(8, 3, 1, 1)), {{3, 32, 32}}), (Shape{8, 32, 32}));
  EXPECT_EQ(infer_shape(conv_node(conv(8, 3, 2, 1)), {{3, 32, 32}}), (Shape{8, 16, 16}));
  EXPECT_EQ(infer_shape(conv_node(conv(8, 3, 2, 1)), {{3, 5, 5}}), (Shape{8, 3, 3}));
  EXPECT_EQ(infer_shape(conv_node(conv(5, 5, 1, 3)), {{1, 28, 28}}), (Shape{5, 30, 30}));
  EXPECT_EQ(infer_shape(conv_node(conv(4, 1)), {{3, 1, 1}}), (Shape{4, 1, 1}));
}

TEST(ConvShape, TakesEachSideOnItsOwn) {
  Conv2dAttributes a;
  a.out_channels = 6;
  a.kernel_h = 3;
  a.kernel_w = 2;
  a.stride_h = 2;
  a.pad_top = 1;
  a.pad_right = 2;
  a.dilation_h = 2;
  a.groups = 3;
  // Rows: 9 + 1 - (2 * 2 + 1) = 5, halved 2, plus 1. Columns: 7 + 2 - 2 = 7, plus 1.
  EXPECT_EQ(infer_shape(conv_node(a), {{3, 9, 7}}), (Shape{6, 3, 8}));
}

TEST(ConvShape, RefusesWhatCannotBeComputed) {
  const auto what = [](const Conv2dAttributes& a, const Shape& src) {
    return std::string(error_of([&] { infer_shape(conv_node(a), {src}); }).what());
  };
  EXPECT_THAT(what(conv(8, 5), {3, 4, 9}), AllOf(HasSubstr("'c' (conv2d)"), HasSubstr("does not fit into 3x4x9")));
  EXPECT_THAT(what(conv(8, 3), {27}), HasSubstr("got shape 27, expected channels x rows x columns"));
  EXPECT_THAT(what(conv(0, 3), {3, 8, 8}), HasSubstr("out of range"));
  EXPECT_THAT(what(conv(8, 3, 0), {3, 8, 8}), HasSubstr("out of range"));
  EXPECT_THAT(what(conv(8, 3, 1, -1), {3, 8, 8}), HasSubstr("out of range"));
  Conv2dAttributes grouped = conv(8, 3);
  grouped.groups = 2;
  EXPECT_THAT(what(grouped, {3, 8, 8}), HasSubstr("2 groups do not divide 3 input and 8 output channels"));
}

TEST(ConvShape, RefusesEveryAttributeOutOfItsRange) {
  using Attribute = int64_t Conv2dAttributes::*;
  const auto what = [](Attribute attribute, int64_t value) {
    Conv2dAttributes a = conv(6, 3, 1, 1);
    a.*attribute = value;
    return std::string(error_of([&] { infer_shape(conv_node(a), {{6, 8, 8}}); }).what());
  };
  for (const Attribute attribute :
       {&Conv2dAttributes::out_channels, &Conv2dAttributes::kernel_h, &Conv2dAttributes::kernel_w,
        &Conv2dAttributes::stride_h, &Conv2dAttributes::stride_w, &Conv2dAttributes::dilation_h,
        &Conv2dAttributes::dilation_w, &Conv2dAttributes::groups}) {
    EXPECT_THAT(what(attribute, 0), HasSubstr("out of range"));
  }
  for (const Attribute attribute : {&Conv2dAttributes::pad_top, &Conv2dAttributes::pad_left,
                                    &Conv2dAttributes::pad_bottom, &Conv2dAttributes::pad_right}) {
    EXPECT_THAT(what(attribute, -1), HasSubstr("out of range"));
    EXPECT_THAT(what(attribute, (1 << 20) + 1), HasSubstr("out of range"));
  }
}

// One weight a channel: 2^16 in all, where a full convolution would have 2^32.
TEST(ConvShape, CountsAGroupsWeightsAlone) {
  Conv2dAttributes a = conv(1 << 16, 1);
  a.groups = 1 << 16;
  EXPECT_EQ(infer_shape(conv_node(a), {{1 << 16, 1, 1}}), (Shape{1 << 16, 1, 1}));
  EXPECT_THAT(error_of([] { infer_shape(conv_node(conv(1 << 16, 1)), {{1 << 16, 1, 1}}); }).what(),
              HasSubstr("exceed 2^31 weights"));
}

TEST(ConvShape, RefusesSizesThatWouldOverflowTheCost) {
  Conv2dAttributes a = conv(1 << 20, 1 << 20, 1, 1 << 20);
  EXPECT_THAT(error_of([&] { infer_shape(conv_node(a), {{1 << 20, 8, 8}}); }).what(), HasSubstr("2^42 MACs"));
}

TEST(PoolShape, RoundsDownOrUp) {
  EXPECT_EQ(infer_shape(pool_node(pool(2, 2)), {{4, 17, 16}}), (Shape{4, 8, 8}));
  EXPECT_EQ(infer_shape(pool_node(pool(2, 2, 0, true)), {{4, 17, 16}}), (Shape{4, 9, 8}));
  EXPECT_EQ(infer_shape(pool_node(pool(3, 2, 1)), {{4, 8, 8}}), (Shape{4, 4, 4}));
  EXPECT_EQ(infer_shape(pool_node(pool(8, 8, 0, true)), {{5, 30, 30}}), (Shape{5, 4, 4}));
}

// Rounded up, 6 with kernel 2, stride 5 and padding 1 gives 3 windows, the last of which would begin at column 10 of
// 1 + 6 + 1: wholly in the padding, so it is dropped.
TEST(PoolShape, DropsAWindowThatBeginsInTheTrailingPadding) {
  EXPECT_EQ(infer_shape(pool_node(pool(2, 5, 1, true)), {{1, 6, 6}}), (Shape{1, 2, 2}));
  EXPECT_EQ(infer_shape(pool_node(pool(2, 3, 1, true)), {{1, 5, 5}}), (Shape{1, 2, 2}));
}

// PyTorch's rule: rounding up forgives less than one stride.
TEST(PoolShape, ForgivesAWindowLessThanAStrideTooLarge) {
  EXPECT_EQ(infer_shape(pool_node(pool(2, 2, 0, true)), {{1, 1, 1}}), (Shape{1, 1, 1}));
  EXPECT_THAT(error_of([] { infer_shape(pool_node(pool(4, 2, 0, true)), {{1, 1, 1}}); }).what(),
              HasSubstr("does not fit"));
  EXPECT_THAT(error_of([] { infer_shape(pool_node(pool(2, 2)), {{1, 1, 1}}); }).what(), HasSubstr("does not fit"));
}

TEST(PoolShape, RefusesPaddingThatAWindowFitsInto) {
  EXPECT_EQ(infer_shape(pool_node(pool(3, 1, 2)), {{1, 8, 8}}), (Shape{1, 10, 10}));
  EXPECT_THAT(error_of([] { infer_shape(pool_node(pool(3, 1, 3)), {{1, 8, 8}}); }).what(),
              HasSubstr("nothing but padding"));
  EXPECT_THAT(error_of([] { infer_shape(pool_node(pool(0, 1)), {{1, 8, 8}}); }).what(), HasSubstr("out of range"));
}

// Rows and columns each on its own: a window of 2 in a padding of 2, and windows at every place of 4 with 2 beyond the
// end, the fifth of which begins at row 4, where nothing real is left.
TEST(PoolShape, RefusesAWindowOfPaddingInEitherDirection) {
  const auto refused = [](const PoolAttributes& attributes) {
    EXPECT_THAT(error_of([&] { infer_shape(pool_node(attributes), {{1, 4, 4}}); }).what(),
                HasSubstr("nothing but padding"));
  };
  PoolAttributes above = pool(2, 1), left = pool(2, 1), below = pool(2, 1), right = pool(2, 1);
  above.pad_h = left.pad_w = 2;
  above.end_pad_h = left.end_pad_w = 0;
  below.end_pad_h = right.end_pad_w = 2;
  for (const PoolAttributes& attributes : {above, left, below, right}) refused(attributes);
  below.end_pad_h = right.end_pad_w = 1;
  EXPECT_EQ(infer_shape(pool_node(below), {{1, 4, 4}}), (Shape{1, 4, 3}));
  EXPECT_EQ(infer_shape(pool_node(right), {{1, 4, 4}}), (Shape{1, 3, 4}));
}

TEST(PoolShape, RefusesEveryAttributeOutOfItsRange) {
  const auto what = [](const PoolAttributes& a) {
    return std::string(error_of([&] { infer_shape(pool_node(a), {{1, 8, 8}}); }).what());
  };
  using Attribute = int64_t PoolAttributes::*;
  for (const Attribute attribute : {&PoolAttributes::kernel_h, &PoolAttributes::kernel_w, &PoolAttributes::stride_h,
                                    &PoolAttributes::stride_w, &PoolAttributes::pad_h, &PoolAttributes::pad_w}) {
    PoolAttributes a = pool(3, 2, 1);
    a.*attribute = -1;
    EXPECT_THAT(what(a), HasSubstr("out of range"));
  }
  for (const auto attribute : {&PoolAttributes::end_pad_h, &PoolAttributes::end_pad_w}) {
    PoolAttributes a = pool(3, 2, 1);
    a.*attribute = -1;
    EXPECT_THAT(what(a), HasSubstr("out of range"));
  }
}

TEST(InferShape, KnowsEveryOtherOperation) {
  const Shape map{6, 4, 5};
  EXPECT_EQ(infer_shape({OpKind::kRelu, "n", {0}, {}}, {map}), map);
  EXPECT_EQ(infer_shape({OpKind::kRelu, "n", {0}, {}}, {{7}}), Shape{7});
  EXPECT_EQ(infer_shape({OpKind::kBatchNorm, "n", {0}, BatchNormAttributes{}}, {map}), map);
  EXPECT_EQ(infer_shape({OpKind::kFlatten, "n", {0}, {}}, {map}), Shape{120});
  EXPECT_EQ(infer_shape({OpKind::kGlobalAvgPool, "n", {0}, {}}, {map}), Shape{6});
  EXPECT_EQ(infer_shape({OpKind::kAdd, "n", {0, 1}, {}}, {map, map}), map);
  EXPECT_EQ(infer_shape({OpKind::kLinear, "n", {0}, LinearAttributes{9, true}}, {{120}}), Shape{9});
  EXPECT_EQ(infer_shape({OpKind::kMixedPool, "n", {0}, pool(2, 2)}, {map}), (Shape{6, 2, 2}));
  EXPECT_EQ(infer_shape({OpKind::kAvgPool, "n", {0}, pool(2, 2)}, {map}), (Shape{6, 2, 2}));
}

TEST(InferShape, OfChannelsJoinedTakenAndMoved) {
  const Shape map{6, 4, 5};
  EXPECT_EQ(infer_shape({OpKind::kConcat, "n", {0, 1, 2}, {}}, {map, {2, 4, 5}, map}), (Shape{14, 4, 5}));
  EXPECT_EQ(infer_shape({OpKind::kConcat, "n", {0, 1}, {}}, {{3}, {4}}), Shape{7});
  EXPECT_EQ(infer_shape({OpKind::kSlice, "n", {0}, SliceAttributes{1, 6}}, {map}), (Shape{5, 4, 5}));
  EXPECT_EQ(infer_shape({OpKind::kChannelShuffle, "n", {0}, ChannelShuffleAttributes{3}}, {map}), map);
  EXPECT_EQ(infer_shape({OpKind::kLayerNorm, "n", {0}, LayerNormAttributes{}}, {{7}}), Shape{7});
  EXPECT_EQ(infer_shape({OpKind::kClip, "n", {0}, ClipAttributes{}}, {map}), map);
  EXPECT_EQ(infer_shape({OpKind::kHardSwish, "n", {0}, {}}, {{7}}), Shape{7});
  EXPECT_EQ(infer_shape({OpKind::kLocalResponseNorm, "n", {0}, LocalResponseNormAttributes{}}, {map}), map);
  const auto what = [](const Node& node, const std::vector<Shape>& inputs) {
    return std::string(error_of([&] { infer_shape(node, inputs); }).what());
  };
  EXPECT_THAT(what({OpKind::kConcat, "n", {0, 1}, {}}, {map, {6, 4, 4}}), HasSubstr("joins 6x4x4 to 6x4x5"));
  EXPECT_THAT(what({OpKind::kConcat, "n", {0, 1}, {}}, {map, {6}}), HasSubstr("joins"));
  EXPECT_THAT(what({OpKind::kConcat, "n", {0}, {}}, {map}), HasSubstr("expected 2 to 16"));
  EXPECT_THAT(what({OpKind::kSlice, "n", {0}, SliceAttributes{2, 7}}, {map}), HasSubstr("takes 2 to 7 of 6x4x5"));
  EXPECT_THAT(what({OpKind::kSlice, "n", {0}, SliceAttributes{3, 3}}, {map}), HasSubstr("takes 3 to 3"));
  EXPECT_THAT(what({OpKind::kChannelShuffle, "n", {0}, ChannelShuffleAttributes{4}}, {map}),
              HasSubstr("do not divide"));
  EXPECT_THAT(what({OpKind::kLayerNorm, "n", {0}, LayerNormAttributes{}}, {map}), HasSubstr("a flat vector"));
  EXPECT_THAT(what({OpKind::kClip, "n", {0}, ClipAttributes{1, 0}}, {map}), HasSubstr("rising bounds"));
  EXPECT_THAT(what({OpKind::kClip, "n", {0}, {}}, {map}), HasSubstr("another operation"));
  EXPECT_THAT(what({OpKind::kLocalResponseNorm, "n", {0}, LocalResponseNormAttributes{.bias = 0}}, {map}),
              HasSubstr("bias above 0"));
}

// At the ends of what is allowed, and one step beyond.
TEST(InferShape, TakesALimitAndNothingBehindIt) {
  const Shape map{6, 4, 5};
  const auto what = [&](const Node& node, const std::vector<Shape>& inputs) {
    return std::string(error_of([&] { infer_shape(node, inputs); }).what());
  };
  EXPECT_EQ(infer_shape({OpKind::kConcat, "n", {}, {}}, std::vector<Shape>(16, Shape{2})), Shape{32});
  EXPECT_THAT(what({OpKind::kConcat, "n", {}, {}}, std::vector<Shape>(17, Shape{2})), HasSubstr("has 17 inputs"));
  EXPECT_EQ(infer_shape({OpKind::kSlice, "n", {0}, SliceAttributes{0, 6}}, {map}), map);
  EXPECT_THAT(what({OpKind::kSlice, "n", {0}, SliceAttributes{-1, 6}}, {map}), HasSubstr("takes -1 to 6"));
  const auto norm = [](double epsilon, double momentum) {
    return Node{OpKind::kBatchNorm, "n", {0}, BatchNormAttributes{epsilon, momentum}};
  };
  for (const double momentum : {0.0, 1.0}) EXPECT_EQ(infer_shape(norm(1e-5, momentum), {map}), map);
  EXPECT_THAT(what(norm(0, 0.1), {map}), HasSubstr("epsilon must be positive"));
  for (const double momentum : {-0.1, 1.1}) EXPECT_THAT(what(norm(1e-5, momentum), {map}), HasSubstr("within [0, 1]"));
  const auto response = [](const LocalResponseNormAttributes& a) {
    return Node{OpKind::kLocalResponseNorm, "n", {0}, a};
  };
  EXPECT_EQ(infer_shape(response({.size = 1, .alpha = 0, .beta = 0, .bias = 1e-9}), {map}), map);
  const double infinity = std::numeric_limits<double>::infinity();
  for (const LocalResponseNormAttributes& a : std::vector<LocalResponseNormAttributes>{
           {.size = 0}, {.alpha = -1}, {.alpha = infinity}, {.beta = -1}, {.beta = infinity}, {.bias = infinity}}) {
    EXPECT_THAT(what(response(a), {map}), HasSubstr("bias above 0"));
  }
}

TEST(InferShape, OfActivationsProductsAndPadding) {
  const Shape map{6, 4, 5};
  EXPECT_EQ(infer_shape({OpKind::kLeakyRelu, "n", {0}, LeakyReluAttributes{}}, {map}), map);
  EXPECT_EQ(infer_shape({OpKind::kSigmoid, "n", {0}, {}}, {{7}}), Shape{7});
  EXPECT_EQ(infer_shape({OpKind::kHardSigmoid, "n", {0}, HardSigmoidAttributes{}}, {map}), map);
  EXPECT_EQ(infer_shape({OpKind::kGelu, "n", {0}, GeluAttributes{}}, {{7}}), Shape{7});
  EXPECT_EQ(infer_shape({OpKind::kMul, "n", {0, 1}, {}}, {map, map}), map);
  EXPECT_EQ(infer_shape({OpKind::kMul, "n", {0, 1}, {}}, {map, {6, 1, 1}}), map);
  EXPECT_EQ(infer_shape({OpKind::kMul, "n", {0, 1}, {}}, {{7}, {7}}), Shape{7});
  // 1 + 4 + 3 rows, 2 + 5 + 0 columns.
  EXPECT_EQ(infer_shape({OpKind::kPad, "n", {0}, PadAttributes{1, 2, 3, 0}}, {map}), (Shape{6, 8, 7}));
  const auto what = [](const Node& node, const std::vector<Shape>& inputs) {
    return std::string(error_of([&] { infer_shape(node, inputs); }).what());
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(what({OpKind::kLeakyRelu, "n", {0}, LeakyReluAttributes{nan}}, {map}), HasSubstr("a finite one"));
  EXPECT_THAT(what({OpKind::kHardSigmoid, "n", {0}, HardSigmoidAttributes{nan, 0}}, {map}), HasSubstr("finite ones"));
  EXPECT_THAT(what({OpKind::kGelu, "n", {0}, {}}, {map}), HasSubstr("another operation"));
  const Node mul{OpKind::kMul, "n", {0, 1}, {}};
  EXPECT_THAT(what(mul, {{6, 1, 1}, map}),
              HasSubstr("'n' (mul): multiplies 6x1x1 by 6x4x5, expected two of one shape"));
  EXPECT_THAT(what(mul, {map, {6, 4, 1}}), HasSubstr("multiplies"));
  EXPECT_THAT(what(mul, {map, {1, 1, 1}}), HasSubstr("multiplies"));
  EXPECT_THAT(what(mul, {map, {6}}), HasSubstr("by channels x 1 x 1"));
  EXPECT_THAT(what({OpKind::kMul, "n", {0}, {}}, {map}), HasSubstr("has 1 inputs, expected 2"));
  EXPECT_THAT(what({OpKind::kPad, "n", {0}, PadAttributes{0, -1, 0, 0}}, {map}), HasSubstr("pads by 0 -1 0 0"));
  EXPECT_THAT(what({OpKind::kPad, "n", {0}, PadAttributes{}}, {{7}}), HasSubstr("channels x rows x columns"));
}

TEST(InferShape, NamesTheNodeWhoseInputsDoNotFit) {
  const auto what = [](const Node& node, const std::vector<Shape>& inputs) {
    return std::string(error_of([&] { infer_shape(node, inputs); }).what());
  };
  EXPECT_THAT(what({OpKind::kAdd, "sum", {0, 1}, {}}, {{3, 2, 2}, {3, 2, 3}}), HasSubstr("'sum' (add): adds 3x2x3"));
  EXPECT_THAT(what({OpKind::kAdd, "sum", {0}, {}}, {{3, 2, 2}}), HasSubstr("has 1 inputs, expected 2"));
  EXPECT_THAT(what({OpKind::kLinear, "fc", {0}, LinearAttributes{9, true}}, {{3, 2, 2}}), HasSubstr("a flat vector"));
  EXPECT_THAT(what({OpKind::kLinear, "fc", {0}, LinearAttributes{0, true}}, {{3}}), HasSubstr("out of range"));
  EXPECT_THAT(what({OpKind::kLinear, "fc", {0}, {}}, {{3}}), HasSubstr("'fc'"));
  EXPECT_THAT(what({OpKind::kConv2d, "c", {0}, {}}, {{3, 8, 8}}), HasSubstr("no convolution attributes"));
  EXPECT_THAT(what({OpKind::kMaxPool, "p", {0}, {}}, {{3, 8, 8}}), HasSubstr("no pooling attributes"));
  EXPECT_THAT(what({OpKind::kGlobalAvgPool, "g", {0}, {}}, {{3}}), HasSubstr("'g'"));
  EXPECT_THAT(what({OpKind::kBatchNorm, "b", {0}, BatchNormAttributes{0.0, 0.1}}, {{3, 8, 8}}), HasSubstr("epsilon"));
  EXPECT_THAT(what({OpKind::kBatchNorm, "b", {0}, BatchNormAttributes{1e-5, 2.0}}, {{3, 8, 8}}), HasSubstr("momentum"));
  EXPECT_THAT(what({OpKind::kInput, "i", {}, {}}, {}), HasSubstr("from the graph"));
}

TEST(InferShapes, RefusesForwardAndOutOfRangeReads) {
  Graph graph;
  graph.input_shape = {1, 2, 2};
  graph.nodes = {{OpKind::kInput, "input", {}, {}}, {OpKind::kRelu, "r", {1}, {}}};
  for (const NodeId input : {1, 2, -1, 1'000'000}) {
    graph.nodes[1].inputs = {input};
    EXPECT_THAT(error_of([&] { infer_shapes(graph); }).what(), HasSubstr("does not come before it")) << input;
  }
  graph.nodes[1].inputs = {0};
  EXPECT_EQ(infer_shapes(graph).at(1), (Shape{1, 2, 2}));
  graph.nodes[0].inputs = {1'000'000};
  EXPECT_THAT(error_of([&] { infer_shapes(graph); }).what(), HasSubstr("is the input and reads"));
}

TEST(InferShapes, RefusesValuesBeyondAllMemory) {
  Graph graph;
  graph.input_shape = {1 << 20, 1 << 20, 2};
  graph.nodes = {{OpKind::kInput, "input", {}, {}}};
  EXPECT_THAT(error_of([&] { infer_shapes(graph); }).what(), HasSubstr("at most 2^31 elements"));
}

TEST(OpKind, ReadsBackItsNames) {
  for (int kind = 0; kind <= static_cast<int>(OpKind::kPad); ++kind) {
    const auto op = static_cast<OpKind>(kind);
    EXPECT_EQ(op_kind_from_string(to_string(op)), op);
  }
  const Error error = error_of([] { op_kind_from_string("deconv"); });
  EXPECT_EQ(error.code(), Code::kDataLoss);
  EXPECT_THAT(error.what(), HasSubstr("'deconv' is unknown"));
}

// 4x4, windows of 2 at every place: as many as there are places, the padding on one side.
TEST(ShapeInference, PoolsMayPadTheirEndOtherwise) {
  GraphBuilder b("net", {1, 4, 4}, 2);
  PoolAttributes upper = pool(2, 1), lower = pool(2, 1, 1);
  upper.end_pad_h = upper.end_pad_w = 1;
  lower.end_pad_h = lower.end_pad_w = 0;
  EXPECT_EQ(b.shape(b.max_pool("upper", 0, upper)), (Shape{1, 4, 4}));
  EXPECT_EQ(b.shape(b.avg_pool("lower", 0, lower)), (Shape{1, 4, 4}));
  upper.count_include_pad = true;
  EXPECT_THAT(error_of([&] { b.avg_pool("counting", 0, upper); }).what(), HasSubstr("differs at its ends"));
  upper.count_include_pad = false;
  upper.end_pad_h = 2;
  EXPECT_THAT(error_of([&] { b.max_pool("beyond", 0, upper); }).what(), HasSubstr("nothing but padding"));
  EXPECT_THAT(error_of([&] { b.max_pool("before", 0, pool(2, 1, 2)); }).what(), HasSubstr("nothing but padding"));
}

}  // namespace
}  // namespace sooner
