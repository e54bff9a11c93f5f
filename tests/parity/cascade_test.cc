// Networks of a cascade answer as they do alone: to the bit where images are preprocessed alike, on every backend, in
// every precision; within rounding where they are not.
#include "recipe/cascade_model.h"

#include <gmock/gmock.h>

#include <cmath>

#include "format/new_model.h"
#include "graph/cascade.h"
#include "graph/cost.h"
#include "graph/keep_exits.h"
#include "runtime/session.h"
#include "support/engines.h"
#include "support/error_of.h"
#include "support/measured_scales.h"
#include "support/random_weights.h"
#include "zoo/zoo.h"

namespace sooner {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr int64_t kSamples = 6;
constexpr size_t kClasses = 5;

ModelFile model_of(const Graph& graph, const ImportedFacts& facts = {}) {
  return imported_model(graph, test::random_weights(graph, 2), facts);
}

ModelFile model_of(const std::string& backbone, const ImportedFacts& facts = {}) {
  return model_of(backbone_from_string(backbone, {3, 16, 16}, kClasses), facts);
}

void quantise(ModelFile& file) {
  file.manifest.quantisation = test::measured_quantisation(file.manifest.graph, file.tensors);
  file.manifest.quantisation->model_hash = model_hash(file);
}

// [kSamples, K, C].
std::vector<float> every_answer(const ModelFile& file, const ModelOptions& options, std::span<const float> images) {
  const size_t exits = file.manifest.graph.exits();
  Session session(Model::from_file(file, options));
  std::vector<float> logits(kSamples * exits * kClasses), gates(kSamples * (exits - 1));
  session.run_all_exits(images, kSamples, logits, gates);
  return logits;
}

std::vector<float> of_exit(const std::vector<float>& logits, size_t exits, size_t k) {
  std::vector<float> result;
  for (size_t i = 0; i < kSamples; ++i) {
    const auto from = logits.begin() + static_cast<ptrdiff_t>((i * exits + k) * kClasses);
    result.insert(result.end(), from, from + kClasses);
  }
  return result;
}

class Cascade : public testing::TestWithParam<test::Engine> {};

TEST_P(Cascade, AnswersAsItsNetworksAlone) {
  std::vector<ModelFile> models{model_of(GetParam().network), model_of("resnet8:w4"), model_of("swift:w8")};
  ModelFile joint = cascade_model(models);
  const std::vector<float> images = test::random_images(joint.manifest.graph, kSamples, 8);
  const ModelOptions options{.backend = GetParam().backend, .precision = GetParam().precision, .batch_max = 4};
  if (GetParam().precision == Precision::kInt8) {
    for (ModelFile& each : models) quantise(each);
    quantise(joint);
    // Scales of the networks, which were measured on the same images: so the same.
    for (size_t i = 0; i < models.size(); ++i) {
      for (const auto& [node, scale] : models[i].manifest.quantisation->scales) {
        if (node != "input") joint.manifest.quantisation->scales.at(cascade_prefix(i) + node) = scale;
      }
    }
  }
  const std::vector<float> got = every_answer(joint, options, images);
  for (size_t i = 0; i < models.size(); ++i) {
    EXPECT_EQ(of_exit(got, 3, i), every_answer(models[i], options, images)) << models[i].manifest.graph.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, Cascade, testing::ValuesIn(test::engines({"b-lenet", "mobilenetv2:w0.25:cifar"})),
                         test::engine_name);

TEST(CascadeModel, NetworksOfOtherPreprocessingReadTheirOwnNumbers) {
  const ImportedFacts first{.mean = {0.5, 0.4, 0.3}, .std = {0.2, 0.25, 0.3}}, second{.mean = {0.1}, .std = {0.5}};
  const std::vector<ModelFile> models{model_of("b-lenet", first), model_of("resnet8:w4", second)};
  const ModelFile joint = cascade_model(models);
  EXPECT_EQ(joint.manifest.preprocessing.mean, first.mean);
  const std::vector<float> images = test::random_images(joint.manifest.graph, kSamples, 8);
  std::vector<float> own = images;
  for (size_t i = 0; i < own.size(); ++i) {
    const size_t c = i / 256 % 3;
    own[i] = static_cast<float>((images[i] * first.std[c] + first.mean[c] - 0.1) / 0.5);
  }
  const std::vector<float> got = of_exit(every_answer(joint, {.backend = "ref"}, images), 2, 1);
  const std::vector<float> expected = every_answer(models[1], {.backend = "ref"}, own);
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-4 * (1 + std::abs(expected[i]))) << i;
}

TEST(CascadeModel, CostsAreOfTheLastNetworkAndAPlainOneIsLeft) {
  const Graph small = backbone_from_string("resnet8:w4", {3, 16, 16}, kClasses);
  const Graph large = backbone_from_string("swift:w8", {3, 16, 16}, kClasses);
  const std::vector<ModelFile> models{model_of(small), model_of(large)};
  const Graph joint = cascade_model(models).manifest.graph;
  const int64_t a = compute_cost(small).backbone_macs, b = compute_cost(large).backbone_macs;
  const GraphCost cost = compute_cost(joint);
  EXPECT_EQ(cost.backbone_macs, b);
  EXPECT_THAT(cost.exit_macs, ElementsAre(a, a + b));
  const Graph plain = plain_backbone(joint);
  EXPECT_EQ(plain.nodes.size(), large.nodes.size());
  EXPECT_EQ(compute_cost(plain).exit_macs.back(), b);
}

TEST(CascadeModel, NetworksMayHaveExitsOfTheirOwn) {
  const Graph large = build_network({"swift:w8", "names:layer1.1,layer2.1", "gap-fc", "none"}, {3, 16, 16}, kClasses);
  const std::vector<ModelFile> models{model_of("resnet8:w4"), model_of(large)};
  const ModelFile joint = cascade_model(models);
  std::vector<std::string> names;
  for (const Stage& stage : joint.manifest.graph.stages) names.push_back(stage.exit.name);
  EXPECT_THAT(names, ElementsAre("net0.last", "net1.exit0", "net1.exit1", "last"));
  const std::vector<float> images = test::random_images(joint.manifest.graph, kSamples, 8);
  const std::vector<float> got = every_answer(joint, {.backend = "ref"}, images),
                           own = every_answer(models[1], {.backend = "ref"}, images);
  for (size_t k = 0; k < 3; ++k) EXPECT_EQ(of_exit(got, 4, k + 1), of_exit(own, 3, k)) << k;
}

TEST(CascadeModel, SaysWhatDoesNotFit) {
  const auto refused = [](const ModelFile& first, const ModelFile& second) {
    const std::vector<ModelFile> models{first, second};
    const Error error = error_of([&] { cascade_model(models); });
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    return std::string(error.what());
  };
  const ModelFile plain = model_of("resnet8:w4");
  EXPECT_THAT(refused(plain, model_of(backbone_from_string("resnet8:w4", {3, 20, 16}, kClasses))),
              HasSubstr("'resnet8:w4' takes 3x16x16, 'resnet8:w4' takes 3x20x16"));
  EXPECT_THAT(refused(plain, model_of(backbone_from_string("resnet8:w4", {3, 16, 16}, 4))),
              HasSubstr("tells 5 classes"));
  EXPECT_THAT(refused(plain, model_of("resnet8:w4", {.class_names = {"0", "1", "2", "4", "3"}})),
              HasSubstr("class 3 is '3' in 'resnet8:w4' and '4' in 'resnet8:w4'"));
  EXPECT_THAT(
      refused(model_of(build_network({"resnet8:w4", "names:layer1.0", "gap-fc", "both"}, {3, 16, 16}, kClasses)),
              plain),
      HasSubstr("has gates"));
  EXPECT_THAT(error_of([&] { cascade_model(std::vector<ModelFile>{plain}); }).what(),
              HasSubstr("expected two or more"));
  EXPECT_THAT(refused(model_of(backbone_from_string("squeezenet1.1", {3, 33, 33}, kClasses)),
                      model_of(backbone_from_string("resnet8:w4", {3, 33, 33}, kClasses))),
              HasSubstr("can only be the last network"));
}

// Weights of the same training on the same images, with other ones kept back: a promise would rest on what was learnt.
TEST(CascadeModel, KnowsWhetherKeptImagesMayHaveBeenLearnt) {
  const auto trained = [](const std::string& hash, const std::string& toml) {
    ModelFile model = model_of("resnet8:w4");
    model.manifest.provenance.regime = "plain";
    model.manifest.provenance.config_toml = toml;
    model.manifest.provenance.data_hash = hash;
    model.manifest.provenance.trained_elsewhere = false;
    return model;
  };
  const auto elsewhere = [](const ModelFile& first, const ModelFile& second) {
    const ModelFile joint = cascade_model(std::vector<ModelFile>{first, second});
    EXPECT_EQ(joint.manifest.provenance.regime, "cascade");
    return joint.manifest.provenance.trained_elsewhere;
  };
  const std::string split = "[split]\nseed = 1\n";
  EXPECT_FALSE(elsewhere(trained("a", split), trained("a", split)));
  EXPECT_TRUE(elsewhere(trained("a", split), trained("b", split)));
  EXPECT_TRUE(elsewhere(trained("a", split), trained("a", "[split]\nseed = 2\n")));
  EXPECT_TRUE(elsewhere(trained("a", split), model_of("resnet8:w4")));
  EXPECT_TRUE(elsewhere(model_of("resnet8:w4"), trained("a", split)));
}

}  // namespace
}  // namespace sooner
