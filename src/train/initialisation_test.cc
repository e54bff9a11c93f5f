#include "train/initialisation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/split.h"
#include "graph/graph_builder.h"
#include "recipe/train_config.h"
#include "support/error_of.h"
#include "train/training_setup.h"
#include "zoo/zoo.h"

namespace sooner {
namespace {

using testing::HasSubstr;

at::Tensor value_of(const GraphModule& module, std::string_view name) {
  for (const GraphModule::Parameter& parameter : module.parameters()) {
    if (parameter.spec.name == name) return parameter.value.detach();
  }
  ADD_FAILURE() << "no parameter " << name;
  return {};
}

struct Glyphs {
  DataSet data;
  std::vector<int64_t> indices;
};

Glyphs glyphs() {
  const TrainConfig config =
      parse_config("", "test", {"data.name=glyphs", "data.glyph_train=300", "data.glyph_test=20"});
  DataSet data = open_data_set(config.data);
  const Splits splits = make_splits(data, config.split);
  return {std::move(data), splits.train.indices};
}

TEST(Initialisation, IdentityPassesOnWhatAConvolutionReads) {
  GraphModule module(backbone_from_string("swift:w4:d1", {3, 16, 16}, 10), 1);
  const at::Tensor before = value_of(module, "layer1.0.conv.weight").clone();
  start_from_identity(module);
  // 24 channels in, 4 out: all of them pass one on.
  const at::Tensor narrow = value_of(module, "layer1.0.conv.weight");
  const at::Tensor x = at::randn({2, 24, 5, 5});
  EXPECT_TRUE(at::equal(at::conv2d(x, narrow, {}, {1, 1}, {1, 1}), x.narrow(1, 0, 4)));
  // 4 in, 8 out: four pass on, four keep their seeded weights.
  const at::Tensor wide = value_of(module, "layer2.0.conv.weight");
  const at::Tensor y = at::randn({2, 4, 5, 5});
  EXPECT_TRUE(at::equal(at::conv2d(y, wide, {}, {1, 1}, {1, 1}).narrow(1, 0, 4), y));
  GraphModule seeded(backbone_from_string("swift:w4:d1", {3, 16, 16}, 10), 1);
  EXPECT_TRUE(at::equal(wide.narrow(0, 4, 4), value_of(seeded, "layer2.0.conv.weight").narrow(0, 4, 4)));
  // An even window has no middle.
  EXPECT_TRUE(at::equal(value_of(module, "conv0.weight"), value_of(seeded, "conv0.weight")));
}

// What comes out of the first convolution is uncorrelated, of variance 1 where pictures have any, and in pairs.
TEST(Initialisation, WhitenedConvolutionDecorrelatesPatches) {
  const Glyphs set = glyphs();
  const Shape shape = set.data.image_shape;
  GraphModule module(backbone_from_string("swift:w4:d1", shape, 10), 1);
  whiten_first_convolution(module, set.data, set.indices, {});
  const at::Tensor weight = value_of(module, "conv0.weight");
  const int64_t filters = weight.size(0);
  ASSERT_EQ(filters, 8);
  for (int64_t i = 0; i < filters; i += 2) EXPECT_TRUE(at::equal(weight[i], -weight[i + 1]));
  at::Tensor values;
  for_each_batch(set.data, set.indices, 500, {}, [&](const at::Tensor& images) {
    values = at::conv2d(images, weight).permute({0, 2, 3, 1}).reshape({-1, filters}).to(at::kDouble);
  });
  values = values - values.mean(0);
  const at::Tensor covariance = values.t().mm(values) / values.size(0);
  for (int64_t i = 0; i < filters; i += 2) {
    EXPECT_NEAR(covariance[i][i].item<double>(), 1, 0.05) << i;
    for (int64_t j = i + 2; j < filters; j += 2) EXPECT_NEAR(covariance[i][j].item<double>(), 0, 1e-3) << i << j;
  }
}

TEST(Initialisation, WhitenedConvolutionIsFrozenWhoeverLearns) {
  const Glyphs set = glyphs();
  GraphModule module(backbone_from_string("swift:w4:d1", set.data.image_shape, 10), 1);
  whiten_first_convolution(module, set.data, set.indices, {});
  for (const LearningParts& parts : {LearningParts{}, LearningParts{.trunks = {true}, .heads = {true}}}) {
    module.learn(parts);
    for (const GraphModule::Parameter& parameter : module.parameters()) {
      const std::string& name = parameter.spec.name;
      if (!name.starts_with("conv0.")) continue;
      EXPECT_EQ(parameter.value.requires_grad(), name == "conv0.bias") << name;
    }
  }
}

TEST(Initialisation, NeedsOneConvolutionThatReadsTheImages) {
  const Glyphs set = glyphs();
  GraphBuilder b("linear", set.data.image_shape, 10);
  GraphModule module(b.finish(b.linear("fc", b.flatten("flatten", b.input()), 10)), 1);
  const Error error = error_of([&] { whiten_first_convolution(module, set.data, set.indices, {}); });
  EXPECT_EQ(error.code(), Code::kInvalidArgument);
  EXPECT_THAT(error.what(), HasSubstr("train.whiten needs a network whose images are read by one convolution"));
}

// Statistics are the mean over batches of what each has, not a moving one.
TEST(Initialisation, StatisticsAreMeansOverWholeBatches) {
  const Glyphs set = glyphs();
  GraphBuilder b("norm", set.data.image_shape, 10);
  const NodeId normal = b.batch_norm("bn", b.input());
  GraphModule module(b.finish(b.linear("fc", b.flatten("flatten", normal), 10)), 1);
  const std::span<const int64_t> indices = std::span(set.indices).first(130);
  measure_statistics(module, set.data, indices, 60, {});
  double sum = 0, variances = 0;
  int batches = 0;
  for_each_batch(set.data, indices.first(120), 60, {}, [&](const at::Tensor& images) {
    sum += images.mean().item<double>();
    variances += images.var().item<double>();
    ++batches;
  });
  ASSERT_EQ(batches, 2);
  EXPECT_NEAR(value_of(module, "bn.running_mean")[0].item<double>(), sum / 2, 1e-5);
  EXPECT_NEAR(value_of(module, "bn.running_var")[0].item<double>(), variances / 2, 1e-5);
}

}  // namespace
}  // namespace sooner
