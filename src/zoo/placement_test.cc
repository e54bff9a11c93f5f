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

TEST(PlaceExits, RefusesWhatItCannotRead) {
  const auto what = [](std::string_view placement) {
    const Error error = error_of([&] { place_exits(lenet(), placement); });
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    return std::string(error.what());
  };
  EXPECT_THAT(what("every"), HasSubstr("expected names:a,b or fractions:.3,.6 or none"));
  EXPECT_THAT(what("golden:3"), HasSubstr("expected names:a,b"));
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
