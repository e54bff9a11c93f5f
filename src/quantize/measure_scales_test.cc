#include "quantize/measure_scales.h"

#include <gtest/gtest.h>

#include "graph/graph_builder.h"
#include "graph/shape_inference.h"
#include "support/message_of.h"
#include "support/random_weights.h"
#include "zoo/zoo.h"

namespace sooner {
namespace {

// One pixel, doubled by a convolution, less 3, then rectified: 1, 2 and 5 become -1, 1 and 7.
TEST(MeasureScales, OfOnePixelAreWorkedByHand) {
  GraphBuilder b("pixel", {1, 1, 1}, 2);
  const NodeId map = b.relu("relu", b.conv2d("conv", b.input(), conv(1, 1)));
  const Graph graph = b.finish(b.linear("fc", b.flatten("flat", map), 2));
  TensorMap weights;
  weights["conv.weight"] = Tensor::from_floats({1, 1, 1, 1}, std::vector<float>{2});
  weights["conv.bias"] = Tensor::from_floats({1}, std::vector<float>{-3});
  weights["fc.weight"] = Tensor::from_floats({2, 1}, std::vector<float>{1, -1});
  weights["fc.bias"] = Tensor::from_floats({2}, std::vector<float>{0, 0});
  const std::vector<float> images{1, 2, 5};
  const auto scales = measure_scales(graph, weights, *make_backend("ref"), images, RangeMethod::kMinMax);
  ASSERT_EQ(scales.size(), 2U);  // neither the image nor a vector
  EXPECT_NEAR(scales.at("relu").scale, 7.0 / 255, 1e-7);
  EXPECT_FALSE(scales.at("relu").is_signed);
  EXPECT_NEAR(scales.at("conv").scale, 7.0 / 127, 1e-7);
  EXPECT_TRUE(scales.at("conv").is_signed);
}

// Two pixels, 1 and 4, give -2 and -8 after the convolution, 2 and -1 give -4 and 2. The pool's -2 and 2 keep the
// convolution's steps, and so does what is left of them above zero.
TEST(MeasureScales, OfMaximaAreThoseOfTheirSource) {
  GraphBuilder b("pixels", {1, 1, 2}, 2);
  PoolAttributes whole;
  whole.kernel_h = whole.stride_h = 1;
  const NodeId map = b.max_pool("pool", b.conv2d("conv", b.input(), conv(1, 1)), whole);
  const Graph graph = b.finish(b.linear("fc", b.flatten("flat", b.relu("relu", map)), 2));
  TensorMap weights;
  weights["conv.weight"] = Tensor::from_floats({1, 1, 1, 1}, std::vector<float>{-2});
  weights["conv.bias"] = Tensor::from_floats({1}, std::vector<float>{0});
  weights["fc.weight"] = Tensor::from_floats({2, 1}, std::vector<float>{1, -1});
  weights["fc.bias"] = Tensor::from_floats({2}, std::vector<float>{0, 0});
  const std::vector<float> images{1, 4, 2, -1};
  for (const std::string backend : {"ref", "auto"}) {
    const auto scales = measure_scales(graph, weights, *make_backend(backend), images, RangeMethod::kMinMax);
    EXPECT_NEAR(scales.at("conv").scale, 8.0 / 127, 1e-7);
    EXPECT_EQ(scales.at("relu").scale, scales.at("conv").scale);
    EXPECT_FALSE(scales.at("relu").is_signed);
    if (scales.contains("pool")) {
      EXPECT_EQ(scales.at("pool"), scales.at("conv"));
    }
  }
}

// 1 and 4 become -2 and -8; zeros around them are a byte of either code.
TEST(MeasureScales, OfAPaddedMapAreThoseOfItsSource) {
  GraphBuilder b("padded", {1, 1, 2}, 2);
  const NodeId map =
      b.pad("pad", b.conv2d("conv", b.input(), conv(1, 1)), {.top = 3, .left = 1, .bottom = 2, .right = 9});
  const Graph graph = b.finish(b.linear("fc", b.flatten("flat", map), 2));
  TensorMap weights = test::random_weights(graph, 1);
  weights["conv.weight"] = Tensor::from_floats({1, 1, 1, 1}, std::vector<float>{-2});
  weights["conv.bias"] = Tensor::from_floats({1}, std::vector<float>{0});
  const std::vector<float> images{1, 4};
  for (const RangeMethod method : {RangeMethod::kMinMax, RangeMethod::kPercentile, RangeMethod::kMse}) {
    const auto scales = measure_scales(graph, weights, *make_backend("auto"), images, method);
    EXPECT_EQ(scales.at("pad"), scales.at("conv"));
    EXPECT_TRUE(scales.at("pad").is_signed);
  }
}

TEST(MeasureScales, OfEveryBackendAreThoseOfTheReference) {
  const Graph graph =
      build_network({"resnet8:w4", "names:layer1.0.bn1,layer2.0", "conv-gap-fc:5", "both"}, {3, 9, 9}, 10);
  const TensorMap weights = test::random_weights(graph, 1);
  const std::vector<float> images = test::random_images(graph, 40, 2);
  for (const RangeMethod method : {RangeMethod::kMinMax, RangeMethod::kPercentile, RangeMethod::kMse}) {
    const auto wanted = measure_scales(graph, weights, *make_backend("ref"), images, method);
    const auto scales = measure_scales(graph, weights, *make_backend("auto"), images, method);
    EXPECT_TRUE(scales.contains("layer1.0"));
    EXPECT_TRUE(scales.contains("exits.1.head.relu"));
    for (const auto& [name, map] : scales) {
      ASSERT_TRUE(wanted.contains(name)) << name;
      EXPECT_EQ(map.is_signed, wanted.at(name).is_signed) << name;
      // A number at the edge of a bin may fall into the next.
      EXPECT_NEAR(map.scale, wanted.at(name).scale, 0.01 * map.scale) << name;
    }
  }
}

TEST(MeasureScales, RefusesNoSamplesAndHalfOnes) {
  const Graph graph = build_network({"b-lenet", "none", "gap-fc", "none"}, {1, 9, 9}, 4);
  const TensorMap weights = test::random_weights(graph, 1);
  for (const size_t floats : {size_t{0}, size_t{100}}) {
    const std::vector<float> images(floats);
    EXPECT_NE(message_of(Code::kInvalidArgument,
                         [&] {
                           static_cast<void>(
                               measure_scales(graph, weights, *make_backend("auto"), images, RangeMethod::kMse));
                         })
                  .find("expected"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace sooner
