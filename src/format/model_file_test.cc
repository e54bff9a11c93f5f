#include "format/model_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <limits>

#include "core/file.h"
#include "format/manifest.h"
#include "format/old_policy_json.h"
#include "golden/tiny_model.h"
#include "support/gated_network.h"
#include "support/message_of.h"
#include "support/temp_folder.h"
#include "zoo/zoo.h"

namespace sooner {
namespace {

using testing::HasSubstr;

ModelFile zoo_model(const NetworkDescription& description, const Shape& input_shape) {
  ModelFile model;
  model.manifest = made_up_manifest(build_network(description, input_shape, 10));
  model.tensors = made_up_weights(model.manifest.graph);
  return model;
}

void expect_same(const ModelFile& a, const ModelFile& b) {
  EXPECT_EQ(manifest_to_json(a.manifest), manifest_to_json(b.manifest));
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (const auto& [name, tensor] : a.tensors) {
    ASSERT_TRUE(b.tensors.contains(name)) << name;
    const Tensor& other = b.tensors.at(name);
    EXPECT_EQ(tensor.dtype(), other.dtype());
    EXPECT_EQ(tensor.shape(), other.shape());
    ASSERT_EQ(tensor.bytes(), other.bytes());
    EXPECT_TRUE(tensor.bytes() == 0 || std::memcmp(tensor.raw().data(), other.raw().data(), tensor.bytes()) == 0);
  }
}

class ZooRoundTrip : public testing::TestWithParam<std::pair<NetworkDescription, Shape>> {};

TEST_P(ZooRoundTrip, GivesBackWhatWasSaved) {
  const ModelFile model = zoo_model(GetParam().first, GetParam().second);
  const ModelFile again = parse_model(serialize_model(model), "zoo");
  expect_same(model, again);
  EXPECT_EQ(model_hash(model), model_hash(again));
}

INSTANTIATE_TEST_SUITE_P(
    Networks, ZooRoundTrip,
    testing::Values(
        std::pair(NetworkDescription{.backbone = "b-lenet", .exits = "names:conv1", .head = "branchy"},
                  Shape{1, 28, 28}),
        std::pair(NetworkDescription{.backbone = "resnet20"}, Shape{3, 32, 32}),
        std::pair(NetworkDescription{.backbone = "resnet8:w8", .head = "pool-fc", .gate = "scores"}, Shape{3, 32, 32}),
        std::pair(NetworkDescription{.backbone = "resnet8:w8", .head = "gap-fc", .gate = "none"}, Shape{3, 32, 32}),
        std::pair(NetworkDescription{.backbone = "b-alexnet", .exits = "names:conv2"}, Shape{3, 16, 16}),
        std::pair(NetworkDescription{.backbone = "mobilenetv2:w0.25", .exits = "none"}, Shape{3, 33, 33}),
        std::pair(NetworkDescription{.backbone = "shufflenetv2:w0.5:cifar", .exits = "none"}, Shape{3, 16, 16}),
        std::pair(NetworkDescription{.backbone = "b-lenet", .exits = "names:conv1,relu2", .cascade = true},
                  Shape{1, 28, 28}),
        std::pair(NetworkDescription{.backbone = "resnet8:w8", .exits = "none"}, Shape{3, 32, 32})));

TEST(ModelFile, RoundTripsTheAttributesOfOperationsThatTheZooLacks) {
  ModelFile model;
  model.manifest = made_up_manifest(test::gated_network({3, 7, 6}, 5, 4));
  model.tensors = made_up_weights(model.manifest.graph);
  EXPECT_EQ(format_version(model.manifest), 4);
  const ModelFile again = parse_model(serialize_model(model), "gated");
  expect_same(model, again);
  ASSERT_EQ(again.manifest.graph.nodes.size(), model.manifest.graph.nodes.size());
  for (size_t id = 0; id < model.manifest.graph.nodes.size(); ++id) {
    EXPECT_EQ(again.manifest.graph.nodes[id].attributes, model.manifest.graph.nodes[id].attributes);
  }
}

TEST(ModelFile, RoundTripsEveryManifestEntry) {
  const ModelFile model = tiny_model();
  const ModelFile again = parse_model(serialize_model(model), "tiny");
  expect_same(model, again);
  EXPECT_EQ(again.manifest.policy, model.manifest.policy);
  EXPECT_EQ(again.manifest.calibrations.at(0).policy.thresholds.at(0).as_score(),
            std::numeric_limits<double>::infinity());
  EXPECT_EQ(again.manifest.provenance.seed, std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(again.manifest.class_names.at(2), "✚");
}

TEST(ModelFile, RoundTripsAQuantisation) {
  const ModelFile model = quantised_tiny_model();
  const ModelFile again = parse_model(serialize_model(model), "tiny");
  expect_same(model, again);
  EXPECT_EQ(again.manifest.quantisation, model.manifest.quantisation);
  EXPECT_EQ(model_hash(again), model_hash(tiny_model()));
}

TEST(ModelFile, RoundTripsEveryMemberOfAPolicy) {
  const ModelFile model = combined_tiny_model();
  const ModelFile again = parse_model(serialize_model(model), "tiny");
  expect_same(model, again);
  EXPECT_EQ(again.manifest.policy, model.manifest.policy);
  EXPECT_EQ(again.manifest.policy.parts.at(1).class_thresholds, model.manifest.policy.parts[1].class_thresholds);
  EXPECT_EQ(again.manifest.calibrations.at(0).policy.wrappers.abstain_below.as_score(), 0.25);
  EXPECT_EQ(again.manifest.quantisation, std::nullopt);
  ModelFile both = quantised_tiny_model();
  both.manifest.policy = model.manifest.policy;
  both.manifest.cost_weights = model.manifest.cost_weights;
  EXPECT_EQ(parse_model(serialize_model(both), "t").manifest.quantisation, both.manifest.quantisation);
}

TEST(ModelFile, GivesItsQuantisationOnlyForTheWeightsItWasMeasuredOn) {
  EXPECT_EQ(current_quantisation(tiny_model()), nullptr);
  ModelFile model = quantised_tiny_model();
  EXPECT_EQ(current_quantisation(model), &*model.manifest.quantisation);
  model.tensors["fc.bias"] = model.tensors["fc.bias"].clone();
  model.tensors["fc.bias"].floats()[0] += 1;
  EXPECT_THAT(message_of(Code::kFailedPrecondition, [&] { static_cast<void>(current_quantisation(model)); }),
              HasSubstr("run `sooner quantize` again"));
}

TEST(ModelFile, IsWrittenInTheOldestVersionThatHoldsIt) {
  EXPECT_THAT(manifest_to_json(tiny_model().manifest), HasSubstr("\"format_version\":1,"));
  EXPECT_THAT(manifest_to_json(quantised_tiny_model().manifest), HasSubstr("\"format_version\":2,"));
  EXPECT_THAT(manifest_to_json(combined_tiny_model().manifest), HasSubstr("\"format_version\":3,"));
  ModelFile patient = tiny_model();
  patient.manifest.policy = {.name = "patience", .thresholds = Threshold::scores({1})};
  EXPECT_THAT(manifest_to_json(patient.manifest), HasSubstr("\"format_version\":1,"));
  EXPECT_THAT(manifest_to_json(guaranteed_tiny_model().manifest), HasSubstr("\"format_version\":3,"));
  EXPECT_THAT(manifest_to_json(surest_tiny_model().manifest), HasSubstr("\"format_version\":5,"));
  EXPECT_THAT(manifest_to_json(named_tiny_model().manifest), HasSubstr("\"format_version\":6,"));
  EXPECT_THAT(manifest_to_json(withdrawn_tiny_model().manifest), HasSubstr("\"format_version\":7,"));
  const auto version_of = [](const NetworkDescription& description, const Shape& input) {
    return format_version(made_up_manifest(build_network(description, input, 10)));
  };
  EXPECT_EQ(version_of({"b-lenet", "names:conv1,relu2", "gap-fc", "none", /*cascade=*/true}, {1, 28, 28}), 4);
  EXPECT_EQ(version_of({"mobilenetv2:cifar", "none", "gap-fc", "none"}, {3, 32, 32}), 4);
  EXPECT_EQ(version_of({"squeezenet1.1", "none", "gap-fc", "none"}, {3, 35, 35}), 4);
  EXPECT_EQ(version_of({"vgg11:cifar", "none", "gap-fc", "none"}, {3, 32, 32}), 1);
}

TEST(ModelFile, KeepsAGuaranteeBesideRecordsWithoutOneAndAQuantisation) {
  ModelFile model = guaranteed_tiny_model();
  model.manifest.quantisation = quantised_tiny_model().manifest.quantisation;
  const ModelFile again = parse_model(serialize_model(model), "t");
  ASSERT_EQ(again.manifest.calibrations.size(), 2U);
  EXPECT_EQ(again.manifest.calibrations[0].guarantee, std::nullopt);
  EXPECT_EQ(again.manifest.calibrations[1].guarantee, model.manifest.calibrations[1].guarantee);
  EXPECT_EQ(again.manifest.quantisation, model.manifest.quantisation);
}

TEST(ModelFile, KeepsRecordsByNameWithTheirRuleAndOrigin) {
  const ModelFile model = withdrawn_tiny_model();
  const ModelFile again = parse_model(serialize_model(model), "t");
  for (size_t i = 0; i < 2; ++i) {
    const CalibrationRecord &wrote = model.manifest.calibrations[i], &read = again.manifest.calibrations[i];
    EXPECT_EQ(read.name, wrote.name);
    EXPECT_EQ(read.rule, wrote.rule);
    EXPECT_EQ(read.origin, wrote.origin);
    EXPECT_EQ(read.guarantee, wrote.guarantee);
  }
  EXPECT_TRUE(again.manifest.provenance.trained_elsewhere);
}

TEST(ModelFile, OfARecordWithANameNoHostileOne) {
  ModelFile model = named_tiny_model();
  model.manifest.calibrations[0].name = "a\nb";
  EXPECT_THAT(message_of(Code::kInvalidArgument, [&] { static_cast<void>(serialize_model(model)); }),
              HasSubstr("a calibration is called 'a?b'"));
  model = named_tiny_model();
  model.manifest.calibrations[0].origin.weights_hash = "\x1b[2J";
  EXPECT_THAT(message_of(Code::kInvalidArgument, [&] { static_cast<void>(serialize_model(model)); }),
              HasSubstr("weights_hash"));
}

TEST(ModelFile, BeforeVersion6ThatBeganWithAnotherNetworkMayHaveSeenAnything) {
  const auto elsewhere = [](const std::string& regime, const std::string& data_hash, const std::string& config) {
    ModelFile model = tiny_model();
    model.manifest.provenance.regime = regime;
    model.manifest.provenance.data_hash = data_hash;
    model.manifest.provenance.config_toml = config;
    // The writer marks what differs from this, so whatever it is given, the same must come back.
    for (const bool told : {false, true}) {
      model.manifest.provenance.trained_elsewhere = told;
      EXPECT_EQ(parse_model(serialize_model(model), "t").manifest.provenance.trained_elsewhere, told);
    }
    for (const bool told : {false, true}) {
      model.manifest.provenance.trained_elsewhere = told;
      if (format_version(model.manifest) == 1) return told;
    }
    return false;
  };
  EXPECT_FALSE(elsewhere("joint", "00000000000000ff", "[train]\nstart = \"\"\n"));
  EXPECT_TRUE(elsewhere("joint", "00000000000000ff", "[train]\nstart = \"resnet20.safetensors\"\n"));
  EXPECT_TRUE(elsewhere("imported", "", ""));
  EXPECT_TRUE(elsewhere("attached", "", ""));
  EXPECT_FALSE(elsewhere("attached", "00000000000000ff", ""));
}

TEST(FormatVersion, IsThatOfPaddedPoolsWhicheverWayTheyArePadded) {
  const Manifest plain = made_up_manifest(build_network({"b-lenet", "none", "gap-fc", "none"}, {1, 28, 28}, 10));
  EXPECT_EQ(format_version(plain), 1);
  for (const auto padded : {&PoolAttributes::end_pad_h, &PoolAttributes::end_pad_w}) {
    Manifest manifest = plain;
    const auto pool = std::ranges::find(manifest.graph.nodes, OpKind::kMaxPool, &Node::op);
    ASSERT_NE(pool, manifest.graph.nodes.end());
    std::get<PoolAttributes>(pool->attributes).*padded = true;
    EXPECT_EQ(format_version(manifest), 4);
  }
}

TEST(OldPolicies, AreHeldByTheFirstVersionThatHadTheirMembers) {
  EXPECT_EQ(old_policy_version({.name = "always", .settings = {{"exit", int64_t{1}}}}), 1);
  EXPECT_EQ(old_policy_version({.name = "ensemble", .settings = {{"mean", "arithmetic"}}}), 3);
  EXPECT_EQ(old_policy_version({.name = "any", .parts = {{.name = "margin"}}}), 3);
  PolicySpec surest{.name = "margin"};
  surest.wrappers.surest_so_far = true;
  EXPECT_EQ(old_policy_version(surest), 5);
  EXPECT_EQ(old_policy_version({.name = "learned"}), std::nullopt);
  EXPECT_EQ(old_policy_version({.name = "margin", .settings = {{"exit", int64_t{1}}}}), std::nullopt);
}

TEST(ModelFile, RefusesAGuaranteeThatIsNone) {
  ModelFile model = guaranteed_tiny_model();
  model.manifest.calibrations[1].rule.risk->level = 2;
  EXPECT_THAT(message_of(Code::kInvalidArgument, [&] { static_cast<void>(serialize_model(model)); }),
              HasSubstr("is no promise"));
  model = guaranteed_tiny_model();
  model.manifest.calibrations[1].rule = parse_calibration_rule("budget 0.5");
  EXPECT_THAT(message_of(Code::kInvalidArgument, [&] { static_cast<void>(serialize_model(model)); }),
              HasSubstr("guarantee"));
  model = guaranteed_tiny_model();
  model.manifest.calibrations[1].guarantee.reset();
  EXPECT_THAT(message_of(Code::kInvalidArgument, [&] { static_cast<void>(serialize_model(model)); }),
              HasSubstr("without a guarantee"));
  model = guaranteed_tiny_model();
  model.manifest.calibrations[1].guarantee->samples = 0;
  EXPECT_THAT(message_of(Code::kInvalidArgument, [&] { static_cast<void>(serialize_model(model)); }),
              HasSubstr("guarantee"));
  model = guaranteed_tiny_model();
  model.manifest.calibrations[1].guarantee->number = 0;
  EXPECT_THAT(message_of(Code::kInvalidArgument, [&] { static_cast<void>(serialize_model(model)); }),
              HasSubstr("guarantee"));
  model = guaranteed_tiny_model();
  model.manifest.calibrations[1].guarantee->samples = 1;
  EXPECT_NO_THROW(static_cast<void>(serialize_model(model)));
}

// Each member is as it may be, and together they are nothing that was ever shown.
TEST(ModelFile, RefusesAGuaranteeThatContradictsItsRecord) {
  const auto refused = [](const auto& change) {
    ModelFile model = guaranteed_tiny_model();
    change(model.manifest.calibrations[1]);
    return message_of(Code::kInvalidArgument, [&] { static_cast<void>(serialize_model(model)); });
  };
  EXPECT_THAT(refused([](CalibrationRecord& record) { record.guarantee->number = 2; }),
              HasSubstr("promise 2, expected at most 1"));
  EXPECT_THAT(refused([](CalibrationRecord& record) { record.guarantee->risk = 0.26; }),
              HasSubstr("a risk of 0.26 was seen, expected at most 0.25"));
  EXPECT_THAT(refused([](CalibrationRecord& record) { record.guarantee->split_hash = record.origin.split_hash; }),
              HasSubstr("on which its thresholds were chosen"));
  EXPECT_THAT(refused([](CalibrationRecord& record) { record.exit_shares = {0.6, 0.3}; }),
              HasSubstr("exit_shares sum to 0.9, expected 1"));
  EXPECT_THAT(refused([](CalibrationRecord& record) { record.guarantee->withdrawn = -1; }), HasSubstr("guarantee"));
}

TEST(ModelFile, KeepsMinusInfinityAndEveryDigitOfAThreshold) {
  ModelFile model = tiny_model();
  model.manifest.policy.thresholds = Threshold::scores({-std::numeric_limits<double>::infinity()});
  EXPECT_EQ(parse_model(serialize_model(model), "t").manifest.policy, model.manifest.policy);
  model.manifest.policy.thresholds = Threshold::scores({0.1 + 0.2});
  EXPECT_EQ(parse_model(serialize_model(model), "t").manifest.policy, model.manifest.policy);
}

// Files of before thresholds were held to what scores can reach.
TEST(ModelFile, TakesAThresholdBeyondEveryScoreForTheInfinityItAmountsTo) {
  Manifest manifest = tiny_model().manifest;
  manifest.policy = {.name = "margin", .thresholds = Threshold::scores({0.6875})};
  const std::string text = manifest_to_json(manifest);
  const size_t at = text.find("0.6875");
  ASSERT_NE(at, std::string::npos);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const auto& [written, meant] :
       {std::pair{"0.6875", 0.6875}, std::pair{"1.5", kInfinity}, std::pair{"-0.5", -kInfinity}}) {
    const std::string old = text.substr(0, at) + written + text.substr(at + 6);
    EXPECT_EQ(manifest_from_json(old, "t", 0).policy.thresholds[0].as_score(), meant) << written;
  }
}

TEST(ModelFile, KeepsItsHashWhenTunedAndLosesItWhenAWeightChanges) {
  ModelFile model = tiny_model();
  const std::string before = model_hash(model);
  EXPECT_EQ(before.size(), 16U);
  model.manifest.policy.thresholds = Threshold::scores({7});
  model.manifest.calibrations.clear();
  EXPECT_EQ(model_hash(model), before);
  model.tensors["fc.bias"] = model.tensors["fc.bias"].clone();
  model.tensors["fc.bias"].floats()[0] += 1;
  EXPECT_NE(model_hash(model), before);
}

TEST(ModelFile, SavesAndLoadsThroughAFile) {
  const TempFolder folder;
  const std::filesystem::path path = folder / "m.safetensors";
  save_model(tiny_model(), path);
  expect_same(load_model(path), tiny_model());
  EXPECT_THAT(message_of(Code::kNotFound, [&] { load_model(folder / "absent"); }), HasSubstr("absent"));
  write_file_atomically(path, "short");
  EXPECT_THAT(message_of(Code::kDataLoss, [&] { load_model(path); }), HasSubstr("byte 5"));
}

TEST(ModelFile, RefusesToSaveWhatDoesNotFitTheGraph) {
  const auto refused = [](auto change) {
    ModelFile model = tiny_model();
    change(model);
    return message_of(Code::kInvalidArgument, [&] { serialize_model(model); });
  };
  EXPECT_THAT(refused([](ModelFile& m) { m.tensors.erase("fc.bias"); }), HasSubstr("'fc.bias' is missing"));
  EXPECT_THAT(refused([](ModelFile& m) { m.tensors["fc.bias"] = Tensor(DType::kF32, {4}); }), HasSubstr("of shape 4"));
  EXPECT_THAT(refused([](ModelFile& m) { m.tensors["fc.bias"] = Tensor(DType::kBF16, {3}); }), HasSubstr("BF16"));
  EXPECT_THAT(refused([](ModelFile& m) { m.tensors["extra"] = Tensor(DType::kF32, {1}); }), HasSubstr("'extra'"));
  EXPECT_THAT(refused([](ModelFile& m) { m.tensors["fc.bias"].floats()[1] = NAN; }), HasSubstr("element 1 is nan"));
  EXPECT_THAT(refused([](ModelFile& m) { m.tensors["bn1.running_var"].floats()[0] = -1; }), HasSubstr("element 0"));
  ModelFile constant = tiny_model();  // a channel that never varied
  constant.tensors["bn1.running_var"].floats()[0] = 0;
  EXPECT_NO_THROW(static_cast<void>(serialize_model(constant)));
  EXPECT_THAT(refused([](ModelFile& m) { m.tensors.erase("sooner.check.logits"); }), HasSubstr("check.logits"));
  EXPECT_THAT(refused([](ModelFile& m) { m.manifest.check_samples = -1; }), HasSubstr("-1 check samples"));
  EXPECT_THAT(refused([](ModelFile& m) { m.manifest.check_samples = 100'000; }), HasSubstr("100000 check samples"));
  EXPECT_THAT(refused([](ModelFile& m) { m.manifest.class_names.pop_back(); }), HasSubstr("2 class names"));
  EXPECT_THAT(refused([](ModelFile& m) { m.manifest.class_names[0] = "\xff"; }), HasSubstr("UTF-8"));
  EXPECT_THAT(refused([](ModelFile& m) { m.manifest.preprocessing.std = {0}; }), HasSubstr("std 0"));
  EXPECT_THAT(refused([](ModelFile& m) { m.manifest.preprocessing.mean = {}; }), HasSubstr("0 means"));
  EXPECT_THAT(refused([](ModelFile& m) { m.manifest.preprocessing.image_shape = {1, 4, 5}; }), HasSubstr("1x4x5"));
  EXPECT_THAT(refused([](ModelFile& m) { m.manifest.policy.name = "maxprob"; }), HasSubstr("max-prob"));
  EXPECT_THAT(refused([](ModelFile& m) { m.manifest.policy.thresholds = Threshold::scores({1, 2}); }),
              HasSubstr("policy"));
  EXPECT_THAT(refused([](ModelFile& m) { m.manifest.calibrations[0].exit_shares = {1}; }), HasSubstr("exit_shares"));
  EXPECT_THAT(refused([](ModelFile& m) { m.manifest.calibrations[0].quality = NAN; }), HasSubstr("accuracy"));
  EXPECT_THAT(refused([](ModelFile& m) { m.manifest.calibrations[0].samples = -1; }), HasSubstr("samples"));
  EXPECT_THAT(refused([](ModelFile& m) { m.manifest.saved_precision = "int4"; }), HasSubstr("int4"));
  EXPECT_THAT(refused([](ModelFile& m) { m.manifest.policy.class_thresholds = {Threshold::scores({1, 1, 1})}; }),
              HasSubstr("classes"));
  EXPECT_THAT(refused([](ModelFile& m) { m.manifest.policy.wrappers.abstain_below = Threshold::score(NAN); }),
              HasSubstr("abstain"));
  EXPECT_THAT(refused([](ModelFile& m) { m.manifest.policy.wrappers.deadline_seconds = 0; }), HasSubstr("deadline"));
  const auto refused_scale = [&](const std::string& node, double scale) {
    return refused([&](ModelFile& m) {
      m = quantised_tiny_model();
      m.manifest.quantisation->scales[node] = {scale, false};
    });
  };
  EXPECT_THAT(refused_scale("relu1", NAN), HasSubstr("the scale of 'relu1' is nan"));
  EXPECT_THAT(refused_scale("relu1", 0), HasSubstr("the scale of 'relu1' is 0"));
  EXPECT_THAT(refused_scale("relu1", -1), HasSubstr("the scale of 'relu1' is -1"));
  EXPECT_THAT(refused_scale("relu1", std::numeric_limits<double>::infinity()), HasSubstr("is inf"));
  EXPECT_THAT(refused_scale("relu9", 1), HasSubstr("no node 'relu9'"));
}

TEST(ModelFile, AllowsTensorsOfItsOwnBesideTheWeights) {
  ModelFile model = tiny_model();
  model.tensors["sooner.note"] = Tensor(DType::kI64, {2});
  expect_same(parse_model(serialize_model(model), "t"), model);
}

}  // namespace
}  // namespace sooner
