#include "recipe/train_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/file.h"
#include "support/error_of.h"
#include "support/temp_folder.h"

namespace sooner {
namespace {

using testing::HasSubstr;

std::string message(std::string_view text, const std::vector<std::string>& sets = {}) {
  const Error error = error_of([&] { parse_config(text, "run.toml", sets); });
  EXPECT_EQ(error.code(), Code::kInvalidArgument);
  return error.what();
}

TEST(TrainConfig, ReadsEveryKindOfValue) {
  const TrainConfig config = parse_config(R"(
name = "try"
[data]
image_shape = [1, 28, 28]
[augment]
flip = true
pad_crop = 4
rotate_degrees = 10
[network]
exits = "names:conv1"
[train]
regime = "joint"
learning_rate = 5e-2
seed = 7
[joint]
weights = [0.5, 1]
)",
                                          "run.toml");
  EXPECT_EQ(config.name, "try");
  EXPECT_EQ(config.data.image_shape, (Shape{1, 28, 28}));
  EXPECT_TRUE(config.augment.flip);
  EXPECT_EQ(config.augment.pad_crop, 4);
  EXPECT_EQ(config.augment.rotate_degrees, 10);
  EXPECT_EQ(config.network.exits, "names:conv1");
  EXPECT_EQ(config.train.learning_rate, 0.05);
  EXPECT_EQ(config.train.seed, 7U);
  EXPECT_EQ(config.regimes.rule("joint.weights").values, (std::vector<double>{0.5, 1}));
  EXPECT_TRUE(config.regimes.rule("joint.weights").rule.empty());
}

TEST(TrainConfig, APresetGivesWhatIsNotGiven) {
  const std::string text = "[train]\npreset = \"quick\"\nregime = \"plain\"\nlabel_smoothing = 0.0\n";
  const TrainConfig quick = parse_config(text, "run.toml", {"augment.pad_crop=3"});
  EXPECT_TRUE(quick.train.whiten);
  EXPECT_EQ(quick.train.label_smoothing, 0);  // given, if only as what it is without
  EXPECT_EQ(quick.augment.pad_crop, 3);
  EXPECT_EQ(quick.train.regime, "plain");
  // The last word counts, before whatever else is said.
  const TrainConfig strong = parse_config(text, "run.toml", {"train.epochs=7", "train.preset=strong"});
  EXPECT_GT(strong.augment.cutout, 0);
  EXPECT_EQ(strong.train.epochs, 7);
  EXPECT_FALSE(parse_config("", "run.toml").train.whiten);
  EXPECT_EQ(to_toml(parse_config(to_toml(strong), "config.toml")), to_toml(strong));
  EXPECT_THAT(message("", {"train.preset=quik"}), HasSubstr("\"quik\" is unknown; did you mean 'quick'"));
  EXPECT_THAT(message("[train]\npreset = 3"), HasSubstr("run.toml:2: train.preset is a whole number"));
}

TEST(TrainConfig, WrittenTextReadsBackToTheSameTextAndHash) {
  const TrainConfig config =
      parse_config("name = \"a \\\"quoted\\\" one\"\n[train]\nlearning_rate = 0.1\nregime = \"joint\"", "run.toml",
                   {"joint.weights=[0.3, 2.0]", "split.validation=0.1", "data.data_dir=C:\\data"});
  const std::string text = to_toml(config);
  const TrainConfig again = parse_config(text, "config.toml");
  EXPECT_EQ(to_toml(again), text);
  EXPECT_EQ(config_hash(again), config_hash(config));
  EXPECT_EQ(again.regimes, config.regimes);
  EXPECT_EQ(again.data.data_dir, "C:\\data");
}

TEST(TrainConfig, HashLeavesOutWhereAndHowFastButNotWhat) {
  const std::string base = config_hash(parse_config("", "run.toml"));
  for (const char* word : {"data.data_dir=/elsewhere", "train.threads=7", "train.device=cuda", "train.loader_threads=3",
                           "train.checkpoint_steps=9"}) {
    EXPECT_EQ(config_hash(parse_config("", "run.toml", {word})), base) << word;
  }
  EXPECT_NE(config_hash(parse_config("", "run.toml", {"train.seed=2"})), base);
}

TEST(TrainConfig, UnknownKeyGivesFileLineAndNearestName) {
  const std::string text = message("[train]\nepochs = 3\nlearning_rat = 0.1\n");
  EXPECT_THAT(text, HasSubstr("run.toml:3"));
  EXPECT_THAT(text, HasSubstr("did you mean 'train.learning_rate'"));
}

TEST(TrainConfig, UnknownSectionGivesFileLineAndNearestName) {
  const std::string text = message("\n[trains]\nepochs = 3\n");
  EXPECT_THAT(text, HasSubstr("run.toml:2"));
  EXPECT_THAT(text, HasSubstr("did you mean 'train'"));
}

TEST(TrainConfig, WrongTypeNamesTheOneThatWasGivenAndTheOneExpected) {
  EXPECT_THAT(message("[train]\nepochs = \"ten\""),
              HasSubstr("run.toml:2: train.epochs is text, expected a whole number"));
  EXPECT_THAT(message("[train]\nepochs = 2.5"), HasSubstr("a number with a fraction, expected a whole number"));
  EXPECT_THAT(message("[augment]\nflip = 1"), HasSubstr("expected true or false"));
  EXPECT_THAT(message("[network]\nhead = 3"), HasSubstr("expected text"));
  EXPECT_THAT(message("[data]\nimage_shape = 3"), HasSubstr("expected a list"));
  EXPECT_THAT(message("train = 3"), HasSubstr("expected a section [train]"));
  EXPECT_THAT(message("[joint]\nweights = true"), HasSubstr("uniform, decreasing, increasing or a list"));
}

TEST(TrainConfig, ImpossibleValueNamesItsRange) {
  EXPECT_THAT(message("[train]\nepochs = 0"),
              HasSubstr("run.toml:2: train.epochs = 0 is out of range, expected 1 to 100000"));
  EXPECT_THAT(message("[split]\nvalidation = 0.7"), HasSubstr("to 0.5"));
  EXPECT_THAT(message("[split]\nvalidation = 0.0"), HasSubstr("out of range"));
  EXPECT_THAT(message("[train]\nlearning_rate = nan"), HasSubstr("out of range"));
  EXPECT_THAT(message("[train]\nlearning_rate = 0"), HasSubstr("expected more"));
  EXPECT_THAT(message("[train]\nseed = -1"), HasSubstr("out of range"));
  EXPECT_THAT(message("[train]\nregime = \"plan\""), HasSubstr("did you mean 'plain'"));
  EXPECT_THAT(message("[data]\nimage_shape = [3, 32]"), HasSubstr("2 extents"));
  EXPECT_THAT(message("name = \"a/b\""), HasSubstr("cannot name a folder"));
}

TEST(TrainConfig, BrokenTomlGivesItsLine) {
  EXPECT_THAT(message("name = \"x\"\n[train\n"), HasSubstr("run.toml:2: not TOML"));
  EXPECT_THAT(message("[train]\nepochs = 3\nepochs = 4\n"), HasSubstr("run.toml:3"));
}

TEST(TrainConfig, SetWordsOverrideTheFileAndNeedNoQuotes) {
  const TrainConfig config =
      parse_config("[train]\nepochs = 3\n", "run.toml",
                   {"train.epochs=5", "network.exits=names:conv1,relu2", "joint.weights=decreasing"});
  EXPECT_EQ(config.train.epochs, 5);
  EXPECT_EQ(config.network.exits, "names:conv1,relu2");
  EXPECT_EQ(config.regimes.rule("joint.weights").rule, "decreasing");
}

TEST(TrainConfig, WrongSetWordsAreNamed) {
  EXPECT_THAT(message("", {"train.epoch=3"}), HasSubstr("--set train.epoch=3: train.epoch is unknown; did you mean"));
  EXPECT_THAT(message("", {"train.epochs"}), HasSubstr("expected section.key=value"));
  EXPECT_THAT(message("", {"train.epochs=many"}), HasSubstr("'many' is not a TOML value"));
  EXPECT_THAT(message("", {"train.epochs=0"}), HasSubstr("out of range"));
}

TEST(TrainConfig, PlainHasNoExitsAndOnlyDifferentiableHasGates) {
  const TrainConfig plain = parse_config("", "run.toml", {"train.regime=plain"});
  EXPECT_EQ(plain.network.exits, "none");
  EXPECT_EQ(plain.network.gate, "none");
  const TrainConfig joint = parse_config("", "run.toml", {"train.regime=joint"});
  EXPECT_NE(joint.network.exits, "none");
  EXPECT_EQ(joint.network.gate, "none");
  EXPECT_EQ(parse_config("", "run.toml").network.gate, "both");
}

TEST(TrainConfig, RegimesWithExitsRefuseANetworkWithoutThem) {
  EXPECT_THAT(message("", {"train.regime=joint", "network.exits=none"}), HasSubstr("needs exits"));
  EXPECT_THAT(message("", {"network.gate=none"}), HasSubstr("needs gates"));
}

TEST(TrainConfig, MissingFileIsNotFound) {
  const TempFolder folder;
  EXPECT_EQ(error_of([&] { load_config(folder / "none.toml"); }).code(), Code::kNotFound);
}

}  // namespace
}  // namespace sooner
