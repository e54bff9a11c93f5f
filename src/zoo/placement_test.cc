#include "zoo/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/graph_builder.h"
#include "support/error_of.h"
#include "zoo/zoo.h"

namespace sooner {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Graph lenet() { return b_lenet({1, 28, 28}, 10); }

TEST(PlaceExits, PutsNoneAnywhere) { EXPECT_THAT(place_exits(lenet(), "none"), IsEmpty()); }

TEST(PlaceExits, TakesNamesAsGiven) {
  EXPECT_THAT(place_exits(lenet(), "names:relu2,conv1"), ElementsAre("relu2", "conv1"));
}

// B-LeNet's trunk after conv1, conv2, conv3: .0987, .4156, .9462 of 1,140,070.
TEST(PlaceExits, TakesTheDeepestCutWithinAFraction) {
  EXPECT_THAT(place_exits(lenet(), "fractions:.10"), ElementsAre("relu1"));
  EXPECT_THAT(place_exits(lenet(), "fractions:.41"), ElementsAre("relu1"));
  EXPECT_THAT(place_exits(lenet(), "fractions:.42,.95"), ElementsAre("relu2", "relu3"));
}

TEST(PlaceExits, TakesTheFirstCutWhenNoneIsWithinAFraction) {
  EXPECT_THAT(place_exits(lenet(), "fractions:.01"), ElementsAre("conv1"));
}

// The blocks of ResNet-20 end at .126, .242, .358 (layer1), .448, .563, .679 (layer2), .769, .884, 1.00 of its MACs.
TEST(PlaceExits, StandsBetweenResidualBlocksNeverWithin) {
  const Graph resnet = resnet_cifar(20, {3, 32, 32}, 10);
  EXPECT_THAT(place_exits(resnet, "fractions:.30,.65"), ElementsAre("layer1.1", "layer2.1"));
}

// ResNet-20's blocks, see above: linear wants .25 .50 .75; pareto .2 .36 .488; fine .05 .0975 .1426; golden .236 .382
// .618.
TEST(PlaceExits, FollowsRulesByHand) {
  const Graph resnet = resnet_cifar(20, {3, 32, 32}, 10);
  EXPECT_THAT(place_exits(resnet, "linear:3"), ElementsAre("layer1.1", "layer2.0", "layer2.2"));
  EXPECT_THAT(place_exits(resnet, "pareto:3"), ElementsAre("layer1.0", "layer1.2", "layer2.0"));
  EXPECT_THAT(place_exits(resnet, "golden:3"), ElementsAre("layer1.0", "layer1.2", "layer2.1"));
  EXPECT_THAT(place_exits(resnet_cifar(110, {3, 32, 32}, 10), "fine:3"),
              ElementsAre("layer1.1", "layer1.4", "layer1.6"));
}

TEST(PlaceExits, PutsOneAfterEveryBlockButTheLast) {
  EXPECT_THAT(place_exits(resnet_cifar(20, {3, 32, 32}, 10), "every"),
              ElementsAre("relu", "layer1.0", "layer1.1", "layer1.2", "layer2.0", "layer2.1", "layer2.2", "layer3.0",
                          "layer3.1"));
  EXPECT_THAT(place_exits(lenet(), "every"), ElementsAre("relu1", "relu2"));
}

TEST(PlaceExits, RefusesWhatItCannotRead) {
  const auto what = [](std::string_view placement) {
    const Error error = error_of([&] { place_exits(lenet(), placement); });
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    return std::string(error.what());
  };
  EXPECT_THAT(what("evry"), HasSubstr("'evry' is unknown; expected names:a,b or fractions:.3,.6 or linear:3 or"));
  EXPECT_THAT(what("every:2"), HasSubstr("expected names:a,b"));
  EXPECT_THAT(what("golden"), HasSubstr("expected names:a,b"));
  EXPECT_THAT(what("golden:"), HasSubstr("expected names:a,b"));
  EXPECT_THAT(what("golden:0"), HasSubstr("'golden:0' is out of range, expected a number of exits from 1 to 255"));
  EXPECT_THAT(what("golden:1.5"), HasSubstr("'golden:1.5' is out of range"));
  EXPECT_THAT(what("golden:-1"), HasSubstr("is out of range"));
  EXPECT_THAT(what("linear:many"), HasSubstr("'many' is not a number"));
  EXPECT_THAT(what("fine:2"), HasSubstr("'fine:2' puts two exits at 'conv1'"));
  EXPECT_THAT(what(""), HasSubstr("expected names:a,b"));
  EXPECT_THAT(what("fractions:"), HasSubstr("'' is not a number"));
  EXPECT_THAT(what("fractions:0"), HasSubstr("out of range"));
  EXPECT_THAT(what("fractions:1"), HasSubstr("out of range"));
  EXPECT_THAT(what("fractions:-.3"), HasSubstr("out of range"));
  EXPECT_THAT(what("fractions:.2,.25"), HasSubstr("puts two exits at 'relu1'"));
  EXPECT_THAT(what("names:relu1,relu1"), HasSubstr("puts two exits at 'relu1'"));
}

}  // namespace
}  // namespace sooner
