#include "zoo/zoo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/carry_set.h"
#include "graph/cost.h"
#include "graph/parameters.h"
#include "graph/shape_inference.h"
#include "support/error_of.h"

namespace sooner {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const Shape kDigit{1, 28, 28};
const Shape kPicture{3, 32, 32};

Shape shape_of(const Graph& graph, std::string_view name) {
  const std::vector<Shape> shapes = infer_shapes(graph);
  for (size_t id = 0; id < graph.nodes.size(); ++id) {
    if (graph.nodes[id].name == name) return shapes[id];
  }
  ADD_FAILURE() << "no node " << name;
  return {};
}

// Rounded up: 28 -> 30 -> 15 -> 17 -> 9 -> 11 -> 6, and 20 * 6 * 6 = 720.
TEST(BLeNet, HasTheShapesOfTheRoundedUpPools) {
  const Graph graph = b_lenet(kDigit, 10);
  EXPECT_EQ(shape_of(graph, "conv1"), (Shape{5, 30, 30}));
  EXPECT_EQ(shape_of(graph, "pool1"), (Shape{5, 15, 15}));
  EXPECT_EQ(shape_of(graph, "conv2"), (Shape{10, 17, 17}));
  EXPECT_EQ(shape_of(graph, "pool2"), (Shape{10, 9, 9}));
  EXPECT_EQ(shape_of(graph, "conv3"), (Shape{20, 11, 11}));
  EXPECT_EQ(shape_of(graph, "pool3"), (Shape{20, 6, 6}));
  EXPECT_EQ(shape_of(graph, "flatten"), Shape{720});
}

// conv1 5*30*30*25 = 112,500; conv2 10*17*17*125 = 361,250; conv3 20*11*11*250 = 605,000; 720*84 = 60,480; 84*10 = 840.
TEST(BLeNet, CostsWhatIsCountedByHand) {
  const GraphCost cost = compute_cost(b_lenet(kDigit, 10));
  EXPECT_EQ(cost.backbone_macs, 112'500 + 361'250 + 605'000 + 60'480 + 840);
  EXPECT_EQ(cost.backbone_macs, 1'140'070);
  EXPECT_EQ(cost.stages[0].trunk_macs, 112'500 + 361'250 + 605'000);
  EXPECT_EQ(cost.parameters, (125 + 5) + (1'250 + 10) + (5'000 + 20) + (60'480 + 84) + (840 + 10));
}

// BranchyNet's branch: pool 5x15x15, conv 10*15*15*45 = 101,250, pool 10x8x8 = 640, fc 6,400.
TEST(BLeNet, WithItsBranchGivesThePublishedFractions) {
  const Graph graph = build_network({"b-lenet", "names:conv1", "branchy", "none"}, kDigit, 10);
  const GraphCost cost = compute_cost(graph);
  EXPECT_EQ(cost.stages[0].head_macs, 101'250 + 6'400);
  EXPECT_THAT(cost.exit_macs, ElementsAre(220'150, 1'247'720));
  EXPECT_NEAR(cost.exit_fraction[0], 0.1931, 5e-5);
  EXPECT_NEAR(cost.exit_fraction[1], 1.0944, 5e-5);
  EXPECT_EQ(cost.stages[0].carry_bytes, 5 * 30 * 30 * 4);
}

TEST(BLeNet, TakesOtherPicturesAndClasses) {
  const Graph graph = b_lenet(kPicture, 100);
  EXPECT_EQ(shape_of(graph, "fc2"), Shape{100});
  EXPECT_EQ(shape_of(graph, "conv1"), (Shape{5, 34, 34}));
}

TEST(ResNet20, HasTheShapesAndNamesOfItsTorchvisionKin) {
  const Graph graph = resnet_cifar(20, kPicture, 10);
  EXPECT_EQ(shape_of(graph, "conv1"), (Shape{16, 32, 32}));
  EXPECT_EQ(shape_of(graph, "layer1.2"), (Shape{16, 32, 32}));
  EXPECT_EQ(shape_of(graph, "layer2.0"), (Shape{32, 16, 16}));
  EXPECT_EQ(shape_of(graph, "layer2.0.downsample.0"), (Shape{32, 16, 16}));
  EXPECT_EQ(shape_of(graph, "layer3.2"), (Shape{64, 8, 8}));
  EXPECT_EQ(shape_of(graph, "avgpool"), Shape{64});
  std::vector<std::string> names;
  for (const ParameterSpec& spec : parameters(graph)) names.push_back(spec.name);
  for (const char* name : {"conv1.weight", "bn1.running_mean", "layer1.0.conv2.weight", "layer2.0.downsample.1.bias",
                           "layer3.2.bn2.running_var", "fc.weight", "fc.bias"}) {
    EXPECT_THAT(names, Contains(name));
  }
  EXPECT_THAT(names, Not(Contains("conv1.bias")));
}

// MACs: conv1 442,368; layer1 6 * 2,304 * 1,024; layer2 (4,608 + 5 * 9,216 + 512) * 256;
// layer3 (18,432 + 5 * 36,864 + 2,048) * 64; fc 640.
// Parameters: 432 + 32; 3 * 4,672; 14,528 + 2 * 18,560; 57,728 + 2 * 73,984; 650.
TEST(ResNet20, CostsWhatIsCountedByHand) {
  const GraphCost cost = compute_cost(resnet_cifar(20, kPicture, 10));
  EXPECT_EQ(cost.backbone_macs, 442'368 + 14'155'776 + 13'107'200 + 13'107'200 + 640);
  EXPECT_EQ(cost.backbone_macs, 40'813'184);
  EXPECT_EQ(cost.parameters, 464 + 14'016 + 51'648 + 205'696 + 650);
  EXPECT_EQ(cost.parameters, 272'474);
}

// Within a block the skip connection, the first convolution's value and the second's are alive together: 3 * 64 KiB.
TEST(ResNet20, NeedsThreeMapsAtItsPeak) {
  EXPECT_EQ(compute_cost(resnet_cifar(20, kPicture, 10)).peak_activation_bytes, 3 * 16 * 32 * 32 * 4);
}

TEST(ResNet, CarriesOneMapBetweenBlocksAndTwoWithinOne) {
  const Graph between = build_network({"resnet8", "names:layer1.0", "gap-fc", "both"}, kPicture, 10);
  EXPECT_THAT(carry_set(between, 0), testing::SizeIs(1));
  const Graph within = build_network({"resnet8", "names:layer1.0.relu1", "gap-fc", "both"}, kPicture, 10);
  const std::vector<NodeId> carried = carry_set(within, 0);
  ASSERT_THAT(carried, testing::SizeIs(2));
  EXPECT_EQ(within.node(carried[0]).name, "relu");
  EXPECT_EQ(within.node(carried[1]).name, "layer1.0.relu1");
}

TEST(ResNet, TakesAWidth) {
  EXPECT_EQ(shape_of(backbone_from_string("resnet8:w8", kPicture, 10), "layer3.0"), (Shape{32, 8, 8}));
  EXPECT_EQ(backbone_from_string("resnet8:w8", kPicture, 10).name, "resnet8:w8");
  EXPECT_EQ(backbone_from_string("resnet20", kPicture, 10).name, "resnet20");
}

TEST(PlainNet, IsAResNetWithoutShortcuts) {
  const Graph plain = backbone_from_string("plainnet20", kPicture, 10);
  const Graph resnet = backbone_from_string("resnet20", kPicture, 10);
  // The two 1x1 shortcuts are gone: 16 -> 32 on 16 x 16, 32 -> 64 on 8 x 8.
  EXPECT_EQ(compute_cost(resnet).backbone_macs - compute_cost(plain).backbone_macs,
            16 * 32 * 16 * 16 + 32 * 64 * 8 * 8);
  for (const Node& node : plain.nodes) EXPECT_NE(node.op, OpKind::kAdd);
}

TEST(PlainNet, GoesWithoutNormalisation) {
  const Graph graph = backbone_from_string("plainnet8:no-bn:w4", kPicture, 10);
  EXPECT_EQ(graph.name, "plainnet8:no-bn:w4");
  for (const Node& node : graph.nodes) EXPECT_NE(node.op, OpKind::kBatchNorm);
  for (const ParameterSpec& parameter : parameters(graph)) EXPECT_THAT(parameter.name, testing::Not(HasSubstr("bn")));
  EXPECT_EQ(compute_cost(graph).backbone_macs,
            compute_cost(backbone_from_string("plainnet8:w4", kPicture, 10)).backbone_macs);
}

TEST(BackboneFromString, RefusesWhatItDoesNotKnow) {
  const auto what = [](std::string_view name) {
    const Error error = error_of([&] { backbone_from_string(name, kPicture, 10); });
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    return std::string(error.what());
  };
  EXPECT_THAT(what("b-lenett"), HasSubstr("did you mean 'b-lenet'?"));
  EXPECT_THAT(what("inception"), HasSubstr("expected one of b-lenet, b-alexnet"));
  EXPECT_THAT(what("resnet19"), HasSubstr("depth must be 6n+2"));
  EXPECT_THAT(what("resnet"), HasSubstr("did you mean"));
  EXPECT_THAT(what("resnet20.5"), HasSubstr("not a whole number"));
  EXPECT_THAT(what("resnet2"), HasSubstr("resnet2: depth must be 6n+2"));
  EXPECT_THAT(what("resnet1e300"), HasSubstr("not a whole number"));
  EXPECT_THAT(what("resnet99999999999999999999"), HasSubstr("out of range"));
  EXPECT_THAT(what("resnet20:8"), HasSubstr("got '8', expected a width such as w8, or no-bn"));
  EXPECT_THAT(what("resnet20:w0"), HasSubstr("out of range"));
  EXPECT_THAT(what("resnet20:w8:w9"), HasSubstr("got 'w9', expected"));
  EXPECT_THAT(what("resnet20:no-bn"), HasSubstr("no-bn is for plainnet"));
  EXPECT_THAT(what("plainnet"), HasSubstr("did you mean"));
  EXPECT_THAT(what("plainnet18"), HasSubstr("plainnet18: depth must be 6n+2"));
}

struct Published {
  std::string name;
  Shape input;
  int64_t classes;
  double mega_macs;  // rounded as published
  double tolerance;
  int64_t parameters;  // 0: not published
};
void PrintTo(const Published& network, std::ostream* out) { *out << network.name; }

const Shape kImage{3, 224, 224};

class Zoo : public testing::TestWithParam<Published> {};

TEST_P(Zoo, CostsWhatIsPublished) {
  const Published& p = GetParam();
  const GraphCost cost = compute_cost(backbone_from_string(p.name, p.input, p.classes));
  EXPECT_NEAR(static_cast<double>(cost.backbone_macs) / 1e6, p.mega_macs, p.tolerance);
  if (p.parameters > 0) {
    EXPECT_EQ(cost.parameters, p.parameters);
  }
}

// ImageNet: parameters and multiply-accumulates as torchvision's documentation lists them (GFLOPS there are MACs).
// CIFAR: MACs of MobileNetV2 and ShuffleNetV2 of a public collection of CIFAR models (chenyaofo), parameters of ResNets
// after He et al., table 6.
INSTANTIATE_TEST_SUITE_P(Networks, Zoo,
                         testing::Values(Published{"resnet18", kImage, 1000, 1810, 10, 11'689'512},
                                         Published{"resnet34", kImage, 1000, 3660, 10, 21'797'672},
                                         Published{"vgg11", kImage, 1000, 7610, 10, 132'863'336},
                                         Published{"vgg11:bn", kImage, 1000, 7610, 10, 132'868'840},
                                         Published{"vgg13", kImage, 1000, 11310, 15, 133'047'848},
                                         Published{"vgg13:bn", kImage, 1000, 11310, 15, 133'053'736},
                                         Published{"vgg16", kImage, 1000, 15470, 15, 138'357'544},
                                         Published{"vgg16:bn", kImage, 1000, 15470, 15, 138'365'992},
                                         Published{"mobilenetv2", kImage, 1000, 300, 5, 3'504'872},
                                         Published{"shufflenetv2:w0.5", kImage, 1000, 40, 5, 1'366'792},
                                         Published{"shufflenetv2", kImage, 1000, 140, 8, 2'278'604},
                                         Published{"shufflenetv2:w1.5", kImage, 1000, 300, 5, 3'503'624},
                                         Published{"shufflenetv2:w2", kImage, 1000, 580, 10, 7'393'996},
                                         Published{"squeezenet1.1", kImage, 1000, 350, 5, 1'235'496},
                                         Published{"mobilenetv2:w0.5:cifar", kPicture, 10, 28.0, 0.1, 0},
                                         Published{"shufflenetv2:w0.5:cifar", kPicture, 10, 10.9, 0.1, 0},
                                         Published{"vgg16:bn:cifar", kPicture, 10, 313.5, 1, 0}),
                         [](const auto& instance) {
                           std::string name = instance.param.name;
                           for (char& c : name) {
                             if (c == ':' || c == '.') c = '_';
                           }
                           return name;
                         });

// BranchyNet's own fully connected layers: 64 maps of 4x4; its branches see 64x16x16 and 96x8x8.
TEST(BAlexNet, HasTheShapesOfTheRoundedUpPools) {
  const Graph graph = backbone_from_string("b-alexnet", kPicture, 10);
  EXPECT_EQ(shape_of(graph, "conv2"), (Shape{64, 16, 16}));
  EXPECT_EQ(shape_of(graph, "conv3"), (Shape{96, 8, 8}));
  EXPECT_EQ(shape_of(graph, "flatten"), Shape{1024});
}

TEST(AlexNetCifar, HasFivePlacesForExits) {
  const Graph graph = backbone_from_string("alexnet-cifar", kPicture, 10);
  EXPECT_EQ(shape_of(graph, "relu1"), (Shape{64, 34, 34}));
  EXPECT_EQ(shape_of(graph, "pool2"), (Shape{192, 18, 18}));
  EXPECT_EQ(shape_of(graph, "pool5"), (Shape{256, 4, 4}));
}

// Names of state dictionaries of torchvision.
TEST(Zoo, ParametersHaveTorchvisionsNames) {
  const auto names = [](std::string_view backbone, const Shape& input) {
    std::vector<std::string> result;
    for (const ParameterSpec& spec : parameters(backbone_from_string(backbone, input, 1000)))
      result.push_back(spec.name);
    return result;
  };
  EXPECT_THAT(names("resnet34", kImage), testing::IsSupersetOf({"conv1.weight", "layer3.5.bn2.running_var",
                                                                "layer4.0.downsample.1.bias", "fc.bias"}));
  EXPECT_THAT(names("vgg13:bn", kImage),
              testing::IsSupersetOf({"features.0.bias", "features.1.running_mean", "features.31.weight",
                                     "classifier.0.weight", "classifier.3.bias", "classifier.6.weight"}));
  EXPECT_THAT(
      names("mobilenetv2", kImage),
      testing::IsSupersetOf({"features.0.0.weight", "features.0.1.bias", "features.1.conv.0.0.weight",
                             "features.1.conv.1.weight", "features.1.conv.2.running_var", "features.17.conv.2.weight",
                             "features.17.conv.3.bias", "features.18.0.weight", "classifier.1.bias"}));
  EXPECT_THAT(names("shufflenetv2", kImage),
              testing::IsSupersetOf({"conv1.0.weight", "stage2.0.branch1.0.weight", "stage2.0.branch1.3.bias",
                                     "stage3.7.branch2.5.weight", "stage4.3.branch2.6.running_mean", "conv5.1.weight",
                                     "fc.weight"}));
  EXPECT_THAT(
      names("squeezenet1.1", kImage),
      testing::IsSupersetOf({"features.3.squeeze.weight", "features.12.expand3x3.bias", "classifier.1.weight"}));
}

TEST(BackboneFromString, RefusesWhatAFamilyDoesNotHave) {
  const auto refused = [](const std::string& name, const Shape& input = kPicture) {
    return std::string(error_of([&] { backbone_from_string(name, input, 10); }).what());
  };
  EXPECT_THAT(refused("vgg19"), HasSubstr("expected vgg11, vgg13 or vgg16"));
  EXPECT_THAT(refused("vgg11"), HasSubstr("add :cifar"));
  EXPECT_THAT(refused("mobilenetv2:w9"), HasSubstr("out of range"));
  EXPECT_THAT(refused("shufflenetv2:w0.7"), HasSubstr("expected 0.5, 1, 1.5 or 2"));
  EXPECT_THAT(refused("squeezenet1.1:cifar"), HasSubstr("nothing more"));
  EXPECT_THAT(refused("resnet18:w8"), HasSubstr("expected cifar"));
  EXPECT_THAT(refused("resnet"), HasSubstr("unknown"));
  EXPECT_THAT(refused("mobilenetv3"), HasSubstr("mobilenetv2"));
}

TEST(BackboneFromString, NamesTheLayerWhenThePictureIsNoMap) {
  EXPECT_THAT(error_of([] { b_lenet({784}, 10); }).what(), HasSubstr("'conv1'"));
  EXPECT_THAT(error_of([] { resnet_cifar(20, {3, 32}, 10); }).what(), HasSubstr("'conv1'"));
}

TEST(BuildNetwork, IsPlainWithoutExits) {
  EXPECT_EQ(build_network({"resnet8", "none", "gap-fc", "both"}, kPicture, 10).exits(), 1U);
}

TEST(BuildNetwork, TakesOneHeadForAllOrOneEach) {
  const Graph one = build_network({"resnet8", "names:layer1.0,layer2.0", "gap-fc", "both"}, kPicture, 10);
  EXPECT_EQ(one.exits(), 3U);
  const Graph each =
      build_network({"resnet8", "names:layer1.0,layer2.0", "conv-gap-fc:8;gap-fc", "both"}, kPicture, 10);
  EXPECT_EQ(shape_of(each, "exits.0.head.gap"), Shape{8});
  EXPECT_EQ(shape_of(each, "exits.1.head.gap"), Shape{32});
  EXPECT_THAT(error_of([] {
                build_network({"resnet8", "names:layer1.0,layer2.0", "gap-fc;gap-fc;gap-fc", "both"}, kPicture, 10);
              }).what(),
              HasSubstr("3 heads for 2 exits"));
}

TEST(BuildNetwork, ReadsTheGateByName) {
  const auto gate = [](const std::string& name) {
    return build_network({"resnet8", "names:layer1.0", "gap-fc", name}, kPicture, 10).stages[0].exit.gate;
  };
  EXPECT_FALSE(gate("none").has_value());
  EXPECT_TRUE(gate("both")->features && gate("both")->scores);
  EXPECT_TRUE(gate("features")->features && !gate("features")->scores);
  EXPECT_TRUE(!gate("scores")->features && gate("scores")->scores);
  EXPECT_THAT(error_of([&] { gate("neither"); }).what(), HasSubstr("expected none, features, scores or both"));
}

// 32 -> 31 behind the 2x2 window, pooled to 15, 7, 3; every first convolution of a group runs before its pool.
TEST(Swift, HasTheShapesAndCostsCountedByHand) {
  const Graph graph = backbone_from_string("swift", kPicture, 10);
  EXPECT_EQ(shape_of(graph, "conv0"), (Shape{24, 31, 31}));
  EXPECT_EQ(shape_of(graph, "layer1.0.conv"), (Shape{64, 31, 31}));
  EXPECT_EQ(shape_of(graph, "layer1.1"), (Shape{64, 15, 15}));
  EXPECT_EQ(shape_of(graph, "layer2.1"), (Shape{128, 7, 7}));
  EXPECT_EQ(shape_of(graph, "layer3.1"), (Shape{256, 3, 3}));
  const int64_t first = 24 * 12 * 31 * 31;
  const int64_t group1 = 64 * 31 * 31 * 24 * 9 + 64 * 15 * 15 * 64 * 9;
  const int64_t group2 = 128 * 15 * 15 * 64 * 9 + 128 * 7 * 7 * 128 * 9;
  const int64_t group3 = 256 * 7 * 7 * 128 * 9 + 256 * 3 * 3 * 256 * 9;
  EXPECT_EQ(compute_cost(graph).backbone_macs, first + group1 + group2 + group3 + 2560);
}

// The branch reads each group as the next one does, pooled, and joins before the last layer.
TEST(Swift, ASideBranchCarriesItsExits) {
  const Graph graph = backbone_from_string("swift:w8:s4", kPicture, 10);
  EXPECT_EQ(shape_of(graph, "side1"), (Shape{4, 7, 7}));
  EXPECT_EQ(shape_of(graph, "side2.join"), (Shape{16 + 4, 7, 7}));
  EXPECT_EQ(shape_of(graph, "side2"), (Shape{8, 3, 3}));
  EXPECT_EQ(shape_of(graph, "join"), (Shape{32 + 8, 3, 3}));
  const Graph exits = build_network({"swift:w8:s4", "names:side1,side2", "gap-fc", "none"}, kPicture, 10);
  EXPECT_EQ(exits.exits(), 3U);
  EXPECT_EQ(
      compute_cost(backbone_from_string("swift:w8", kPicture, 10)).backbone_macs + 4 * 49 * 9 * 8 + 8 * 9 * 9 * 20 + 80,
      compute_cost(graph).backbone_macs);
}

TEST(Swift, GrowsInWidthAndDepth) {
  EXPECT_EQ(shape_of(backbone_from_string("swift:w24:d1", kPicture, 10), "layer3.0"), (Shape{96, 3, 3}));
  // From three convolutions on, those after a group's first are added to it.
  const Graph deep = backbone_from_string("swift:w8:d3", {1, 9, 9}, 10);
  EXPECT_EQ(shape_of(deep, "layer3"), (Shape{32, 1, 1}));
  EXPECT_THAT(std::string(error_of([] { backbone_from_string("swift", {1, 8, 28}, 10); }).what()),
              HasSubstr("wants pictures of at least 9x9, got 1x8x28"));
  EXPECT_THAT(std::string(error_of([] { backbone_from_string("swift:w2.5", kPicture, 10); }).what()),
              HasSubstr("got w2.5, expected a whole number"));
  EXPECT_THAT(std::string(error_of([] { backbone_from_string("swift:x", kPicture, 10); }).what()), HasSubstr("d3"));
}

}  // namespace
}  // namespace sooner
