#include "zoo/heads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/cost.h"
#include "graph/shape_inference.h"
#include "support/error_of.h"

namespace sooner {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// "name shape" of every node a head adds to a map of the given shape.
std::vector<std::string> layers(std::string_view description, const Shape& map, int64_t classes = 10) {
  GraphBuilder b("net", map, classes);
  head_from_string(description)(b, "h.", b.input());
  std::vector<std::string> result;
  for (NodeId id = 1; id < b.size(); ++id) {
    result.push_back(fmt::format("{} {}", b.graph().node(id).name, to_string(b.shape(id))));
  }
  return result;
}

TEST(GapFc, PoolsGloballyAndClassifies) {
  EXPECT_THAT(layers("gap-fc", {16, 8, 8}), ElementsAre("h.gap 16", "h.fc 10"));
  EXPECT_THAT(layers("gap-fc", {16}), ElementsAre("h.fc 10"));
}

TEST(PoolFc, MixesPoolsDownToFourByFour) {
  EXPECT_THAT(layers("pool-fc", {16, 32, 32}), ElementsAre("h.pool 16x4x4", "h.flatten 256", "h.fc 10"));
  EXPECT_THAT(layers("pool-fc:2", {16, 32, 32}), ElementsAre("h.pool 16x2x2", "h.flatten 64", "h.fc 10"));
}

TEST(PoolFc, HasAsManyWindowsOnMapsThatDoNotDivide) {
  EXPECT_THAT(layers("pool-fc", {5, 30, 30}), ElementsAre("h.pool 5x4x4", "h.flatten 80", "h.fc 10"));
  EXPECT_THAT(layers("pool-fc", {5, 9, 3}), ElementsAre("h.pool 5x4x3", "h.flatten 60", "h.fc 10"))
      << "a window is at least a pixel";
  for (const int64_t extent : {5, 6, 7, 11}) {
    EXPECT_THAT(layers("pool-fc", {5, extent, extent}), ElementsAre("h.pool 5x4x4", "h.flatten 80", "h.fc 10"));
  }
  EXPECT_THAT(layers("pool-fc", {5, 4, 4}), ElementsAre("h.flatten 80", "h.fc 10"));
}

TEST(ConvGapFc, HalvesTheMapByAConvolution) {
  EXPECT_THAT(layers("conv-gap-fc", {16, 32, 32}),
              ElementsAre("h.conv 64x16x16", "h.bn 64x16x16", "h.relu 64x16x16", "h.gap 64", "h.fc 10"));
  EXPECT_THAT(layers("conv-gap-fc:8", {16, 1, 1}),
              ElementsAre("h.conv 8x1x1", "h.bn 8x1x1", "h.relu 8x1x1", "h.gap 8", "h.fc 10"));
}

// 64 sqrt(classes / 10), up to the next multiple of 16; a width that is given stays.
TEST(Heads, GrowWithTheClasses) {
  const auto first = [](std::string_view description, int64_t classes) {
    return layers(description, {16, 4, 4}, classes).front();
  };
  EXPECT_EQ(first("conv-gap-fc", 2), "h.conv 64x2x2");
  EXPECT_EQ(first("conv-gap-fc", 11), "h.conv 80x2x2");
  EXPECT_EQ(first("conv-gap-fc", 40), "h.conv 128x2x2");
  EXPECT_EQ(first("conv-gap-fc", 100), "h.conv 208x2x2");
  EXPECT_EQ(first("conv-gap-fc:64", 100), "h.conv 64x2x2");
  EXPECT_EQ(first("conv2-fc", 100), "h.conv1 416x2x2");
  EXPECT_EQ(first("pool-fc:2", 100), "h.pool 16x2x2");
}

TEST(Conv2Fc, QuartersTheMapAndPools) {
  EXPECT_THAT(layers("conv2-fc", {16, 32, 32}),
              ElementsAre("h.conv1 128x16x16", "h.bn1 128x16x16", "h.relu1 128x16x16", "h.conv2 128x8x8",
                          "h.bn2 128x8x8", "h.relu2 128x8x8", "h.pool 128x4x4", "h.flatten 2048", "h.fc 10"));
  EXPECT_THAT(layers("conv2-fc:8", {16, 4, 4}),
              ElementsAre("h.conv1 8x2x2", "h.bn1 8x2x2", "h.relu1 8x2x2", "h.conv2 8x1x1", "h.bn2 8x1x1",
                          "h.relu2 8x1x1", "h.flatten 8", "h.fc 10"));
}

TEST(Branchy, IsBranchyNetsForLeNetByDefault) {
  EXPECT_THAT(layers("branchy", {5, 30, 30}),
              ElementsAre("h.pool0 5x15x15", "h.relu1 5x15x15", "h.conv2 10x15x15", "h.pool3 10x8x8", "h.relu4 10x8x8",
                          "h.flatten 640", "h.fc 10"));
}

TEST(Branchy, ReadsEveryItem) {
  EXPECT_THAT(layers("branchy:conv8@3p1s2,bn,relu,avgpool3s2,maxpool2,fc20,relu", {3, 16, 16}),
              ElementsAre("h.conv0 8x8x8", "h.bn1 8x8x8", "h.relu2 8x8x8", "h.pool3 8x4x4", "h.pool4 8x2x2",
                          "h.fc5_flatten 32", "h.fc5 20", "h.relu6 20", "h.fc 10"));
  EXPECT_THAT(layers("branchy:gap,fc4", {3, 16, 16}), ElementsAre("h.gap0 3", "h.fc1 4", "h.fc 10"));
}

TEST(HeadFromString, EveryNameItListsIsKnown) {
  for (const std::string& name : head_names()) EXPECT_NO_THROW(layers(name, {16, 32, 32})) << name;
}

TEST(HeadFromString, NamesThePartThatDoesNotFitAndWhatWould) {
  const auto what = [](std::string_view description) {
    const Error error = error_of([&] { head_from_string(description); });
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    return std::string(error.what());
  };
  EXPECT_THAT(what("gapfc"), HasSubstr("did you mean 'gap-fc'?"));
  EXPECT_THAT(what(""), HasSubstr("expected one of gap-fc, pool-fc, conv-gap-fc, conv2-fc, branchy"));
  EXPECT_THAT(what("gap-fc:4"), HasSubstr("no argument"));
  EXPECT_THAT(what("pool-fc:"), HasSubstr("a number from 1 to 65536"));
  EXPECT_THAT(what("pool-fc:0"), HasSubstr("a number from 1 to 65536"));
  EXPECT_THAT(what("pool-fc:4x"), HasSubstr("one number"));
  EXPECT_THAT(what("conv-gap-fc:99999"), HasSubstr("a number from 1 to 65536"));
  EXPECT_THAT(what("conv-gap-fc:99999999999999999999"), HasSubstr("a number from 1 to 65536"));
  EXPECT_THAT(what("branchy:"), HasSubstr("conv<C>@<K>"));
  EXPECT_THAT(what("branchy:relu,,relu"), HasSubstr("conv<C>@<K>"));
  EXPECT_THAT(what("branchy:conv8"), HasSubstr("conv<channels>@<kernel>"));
  EXPECT_THAT(what("branchy:conv8@3q1"), HasSubstr("'conv8@3q1'"));
  EXPECT_THAT(what("branchy:conv8@3p-1"), HasSubstr("a number from 0 to 65536"));
  EXPECT_THAT(what("branchy:maxpool2x"), HasSubstr("nothing more after the pool"));
  EXPECT_THAT(what("branchy:fc10x"), HasSubstr("fc<features>"));
}

TEST(HeadFromString, NamesTheLayerThatDoesNotFitTheMap) {
  EXPECT_THAT(error_of([] { layers("branchy:conv8@9", {3, 4, 4}); }).what(), HasSubstr("'h.conv0'"));
  EXPECT_THAT(error_of([] { layers("conv-gap-fc", {10}); }).what(), HasSubstr("'h.conv'"));
}

}  // namespace
}  // namespace sooner
