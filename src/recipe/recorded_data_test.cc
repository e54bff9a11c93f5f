#include "recipe/recorded_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recipe/train_config.h"
#include "support/message_of.h"

namespace sooner {
namespace {

using testing::HasSubstr;

Provenance provenance(const std::string& config_toml, const std::string& data_set = "glyphs") {
  Provenance made;
  made.config_toml = config_toml;
  made.data_set = data_set;
  return made;
}

TEST(RecordedData, IsWhatTheConfigurationSaysOfDataAndSplit) {
  TrainConfig config = parse_config("[data]\nglyph_train = 400\nglyph_seed = 7\n[split]\ncalibration = 0.25\nseed = 3",
                                    "run.toml", {"split.imbalance=10"});
  config.data.data_dir = "/somewhere";
  const RecordedData recorded = recorded_data(provenance(to_toml(config)));
  EXPECT_EQ(recorded.data.name, "glyphs");
  EXPECT_EQ(recorded.data.data_dir, "");
  EXPECT_EQ(recorded.data.glyph_train, 400);
  EXPECT_EQ(recorded.data.glyph_test, 10000);  // not said
  EXPECT_EQ(recorded.data.glyph_seed, 7U);
  EXPECT_EQ(recorded.split.calibration, 0.25);
  EXPECT_EQ(recorded.split.imbalance, 10);
  EXPECT_EQ(recorded.split.seed, 3U);
}

TEST(RecordedData, OfAnotherVersionMaySayMore) {
  const RecordedData recorded = recorded_data(
      provenance("[data]\nnew_key = 1\nglyph_test = 50\n[train]\nregime = \"later\"\n[later]\nkey = 1", "x"));
  EXPECT_EQ(recorded.data.glyph_test, 50);
  EXPECT_EQ(recorded.data.name, "x");
}

TEST(RecordedData, IsTheDefaultWhereNothingWasRecorded) {
  const RecordedData recorded = recorded_data(provenance("", "mnist"));
  EXPECT_EQ(recorded.split.validation, SplitOptions().validation);
  EXPECT_EQ(recorded.data.image_shape, DataOptions().image_shape);
}

TEST(RecordedData, RefusesWhatCannotBe) {
  const auto refused = [](const std::string& toml) {
    return message_of(Code::kDataLoss, [&] { recorded_data(provenance(toml)); });
  };
  EXPECT_THAT(refused("[data"), HasSubstr("[model] [config] recorded configuration:1: not TOML"));
  EXPECT_THAT(refused("[split]\nvalidation = 2"),
              HasSubstr("recorded configuration:2: split.validation = 2 is out of"));
  EXPECT_THAT(refused("[data]\nglyph_train = \"many\""),
              HasSubstr("data.glyph_train is text, expected a whole number"));
}

}  // namespace
}  // namespace sooner
