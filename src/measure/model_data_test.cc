#include "measure/model_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "data/spread.h"
#include "support/glyph_model.h"
#include "support/message_of.h"

namespace sooner {
namespace {

using testing::ElementsAreArray;
using testing::HasSubstr;

std::string refusal(Code code, const Manifest& manifest, const DataChoice& choice = {}) {
  return message_of(code, [&] { open_model_data(manifest, choice); });
}

TEST(ModelData, IsTheSetTheModelWasTrainedOnSplitAsItWasThen) {
  const ModelData data = open_model_data(test::glyph_model().manifest);
  EXPECT_EQ(data.data.train->size(), 400);
  EXPECT_EQ(data.splits.test.indices.size(), 60U);
  EXPECT_EQ(data.splits.tune.hash, make_splits(data.data, {.validation = 0.1, .calibration = 0.2}).tune.hash);
  EXPECT_EQ(data.source_of(data.splits.test), data.data.test);
  EXPECT_EQ(data.source_of(data.splits.tune), data.data.train);
}

TEST(ModelData, TakesAnotherSetOnlyWhereOneInsists) {
  const Manifest manifest = test::glyph_model().manifest;
  EXPECT_THAT(refusal(Code::kInvalidArgument, manifest, {.name = "mnist"}),
              HasSubstr("got 'mnist', but the model was trained on 'glyphs'"));
  EXPECT_THAT(refusal(Code::kFailedPrecondition, manifest, {.name = "glyph-angles", .other_data = true}),
              HasSubstr("'glyph-angles' asks for the angle in degrees, the model answers with a class"));
}

TEST(ModelData, RefusesWhatDoesNotFitTheModel) {
  Manifest other = test::glyph_model().manifest;
  other.provenance.data_hash = "0123456789abcdef";
  EXPECT_THAT(refusal(Code::kFailedPrecondition, other), HasSubstr("the model was trained on 0123456789abcdef"));
  other.preprocessing.image_shape = {1, 28, 28};
  EXPECT_THAT(refusal(Code::kFailedPrecondition, other),
              HasSubstr("has 1x32x32 images in 10 classes, the model expects 1x28x28"));
}

TEST(LoadAll, PreparesASplitInItsOrderAndSoManySpreadOverIt) {
  const Manifest manifest = test::glyph_model().manifest;
  const ModelData data = open_model_data(manifest);
  const Split& split = data.splits.tune;
  const Batch samples = load_all(manifest, data, split, 3);
  ASSERT_EQ(samples.n, 3);
  const std::vector<int64_t> spread = spread_over(split.indices, 3);
  EXPECT_EQ(samples.indices, spread);
  std::vector<uint8_t> pixels(32 * 32);
  data.data.train->read(spread[2], pixels);
  EXPECT_EQ(samples.labels[2], data.data.train->label(spread[2]));
  // (p / 255 - 0.5) / 0.25
  EXPECT_NEAR(samples.images[2 * 1024 + 500], pixels[500] / 255.0 * 4 - 2, 1e-6);
  EXPECT_EQ(load_all(manifest, data, split).n, static_cast<int64_t>(split.indices.size()));
}

TEST(LoadAll, RefusesAnEmptySplit) {
  Manifest manifest = test::glyph_model().manifest;
  manifest.provenance.config_toml = "[data]\nglyph_train = 400\nglyph_test = 60\n[split]\ncalibration = 0\n";
  const ModelData data = open_model_data(manifest);
  EXPECT_THAT(message_of(Code::kFailedPrecondition, [&] { load_all(manifest, data, data.splits.tune); }),
              HasSubstr("the split 'tune' of glyphs is empty"));
}

}  // namespace
}  // namespace sooner
