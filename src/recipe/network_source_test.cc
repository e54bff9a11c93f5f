#include "recipe/network_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/glyph_model.h"
#include "support/message_of.h"
#include "support/temp_folder.h"

namespace sooner {
namespace {

using testing::HasSubstr;

// A model with an early exit in a file, and configurations that name it.
class NetworkSource : public testing::Test {
 protected:
  NetworkSource() { save_model(test::glyph_model(), path_); }
  [[nodiscard]] TrainConfig config(const std::string& backbone, const std::string& exits,
                                   const std::string& regime = "joint") const {
    return parse_config("", "run.toml",
                        {"train.regime=" + regime, "network.backbone=" + backbone, "network.exits=" + exits,
                         "data.glyph_train=20", "data.glyph_test=20"});
  }
  [[nodiscard]] Graph described(const TrainConfig& config) const {
    return described_network(config, data_, load_start(config, data_));
  }

  TempFolder folder_;
  std::string path_ = (folder_ / "model.safetensors").string();
  DataSet data_ = open_data_set({.name = "glyphs", .glyph_train = 20, .glyph_test = 20});
};

TEST_F(NetworkSource, IsTheZooWhereABackboneHasAName) {
  const TrainConfig zoo = config("b-lenet", "names:conv1,conv2");
  EXPECT_EQ(described(zoo).exits(), 3U);
  EXPECT_FALSE(load_start(zoo, data_).has_value());
  EXPECT_EQ(start_hash(zoo), "");
}

TEST_F(NetworkSource, IsTheFileWhereItNamesAModel) {
  const TrainConfig kept = config("model:" + path_, "kept");
  EXPECT_EQ(kept.train.start, path_);
  EXPECT_EQ(described(kept).exits(), 2U);
  EXPECT_EQ(start_hash(kept), model_hash(test::glyph_model()));
  EXPECT_EQ(described(config("model:" + path_, "names:conv1,conv2")).exits(), 3U);
  EXPECT_EQ(described(config("model:" + path_, "none", "plain")).exits(), 1U);
}

TEST_F(NetworkSource, RefusesModelsForOtherPicturesAndPlainOnesWithExitsToKeep) {
  const auto refused = [&](const TrainConfig& asked) {
    return message_of(Code::kInvalidArgument, [&] { static_cast<void>(described(asked)); });
  };
  const TrainConfig kept = config("model:" + path_, "kept");
  data_.image_shape = {1, 28, 28};
  EXPECT_THAT(refused(kept), HasSubstr("reads images of 1x32x32, the data set 'glyphs' has 1x28x28"));
  data_.image_shape = {1, 32, 32};
  data_.class_names.pop_back();
  EXPECT_THAT(refused(kept), HasSubstr("tells 10 classes apart, the data set 'glyphs' has 9"));
  data_.class_names.emplace_back("another");
  data_.quantity = Quantity{"angle", "degrees"};
  EXPECT_THAT(refused(kept), HasSubstr("is a classification, the data set 'glyphs' asks for a number"));
  data_.quantity.reset();
  ModelFile plain = test::glyph_model();
  plain.manifest.graph = build_network({"b-lenet", "none", "gap-fc", "none"}, glyph_shape(), 10);
  plain.manifest.policy = {};
  plain.tensors = test::random_weights(plain.manifest.graph, 1);
  save_model(plain, path_);
  EXPECT_THAT(refused(kept), HasSubstr("has no early exits to keep"));
}

}  // namespace
}  // namespace sooner
