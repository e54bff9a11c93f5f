// Model files that lie: each is refused as kDataLoss with a byte offset, and nothing crashes or hangs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "core/rng.h"
#include "format/manifest.h"
#include "format/safetensors.h"
#include "golden/tiny_model.h"
#include "support/long_run.h"
#include "support/message_of.h"

namespace sooner {
namespace {

using testing::HasSubstr;
using Json = nlohmann::ordered_json;

std::string refusal(const std::vector<std::byte>& file) {
  const std::string message = message_of(Code::kDataLoss, [&] { parse_model(file, "bad.safetensors"); });
  EXPECT_THAT(message, HasSubstr("bad.safetensors"));
  EXPECT_THAT(message, HasSubstr("byte "));
  return message;
}

// The tiny model with its container changed.
template <typename Change>
std::string refused_container(Change change) {
  Safetensors contents = parse_safetensors(serialize_model(tiny_model()), "tiny");
  change(contents);
  return refusal(serialize_safetensors(contents));
}

Tensor text_tensor(const std::string& text) {
  Tensor tensor(DType::kU8, {static_cast<int64_t>(text.size())});
  if (!text.empty()) std::memcpy(tensor.raw().data(), text.data(), text.size());
  return tensor;
}

std::string refused_manifest_text(const std::string& text) {
  return refused_container([&](Safetensors& c) { c.tensors["sooner.manifest"] = text_tensor(text); });
}

// The tiny model with its manifest changed.
template <typename Change>
std::string refused_manifest(Change change) {
  Json json = Json::parse(manifest_to_json(tiny_model().manifest));
  change(json);
  return refused_manifest_text(json.dump());
}

TEST(HostileModel, TruncatedAnywhereIsRefused) {
  const std::vector<std::byte> file = serialize_model(tiny_model());
  for (size_t length = 0; length < file.size(); length += 1 + length % 17) {
    refusal({file.begin(), file.begin() + static_cast<std::ptrdiff_t>(length)});
  }
  refusal({file.begin(), file.end() - 1});
}

TEST(HostileModel, LackingOrMisshapenManifestIsRefused) {
  EXPECT_THAT(refused_container([](Safetensors& c) { c.tensors.erase("sooner.manifest"); }),
              HasSubstr("not one sooner has written"));
  EXPECT_THAT(refused_container([](Safetensors& c) { c.tensors["sooner.manifest"] = Tensor(DType::kF32, {2}); }),
              HasSubstr("expected a list of U8"));
  EXPECT_THAT(refused_container([](Safetensors& c) { c.tensors["sooner.manifest"] = Tensor(DType::kU8, {1, 2}); }),
              HasSubstr("expected a list of U8"));
  EXPECT_THAT(refused_manifest_text(""), HasSubstr("not valid JSON"));
  EXPECT_THAT(refused_manifest_text("{}"), HasSubstr("'format_version' is missing"));
  EXPECT_THAT(refused_manifest_text("[]"), HasSubstr("expected an object"));
  EXPECT_THAT(refused_manifest_text(std::string(1000, '[')), HasSubstr("levels deep"));
}

TEST(HostileModel, OfAnotherVersionIsRefused) {
  EXPECT_THAT(refused_manifest([](Json& m) { m["format_version"] = kFormatVersion + 1; }), HasSubstr("newer sooner"));
  EXPECT_THAT(refused_manifest([](Json& m) { m["format_version"] = 2; }), HasSubstr("'quantisation' is missing"));
  EXPECT_THAT(refused_manifest([](Json& m) { m["format_version"] = 3; }), HasSubstr("'cost_weights' is missing"));
  EXPECT_THAT(refused_manifest([](Json& m) {
                m["format_version"] = 3;
                m["quantisation"] = nullptr;
                m["cost_weights"] = nullptr;
              }),
              HasSubstr("policy: 'class_thresholds' is missing"));
  EXPECT_THAT(refused_manifest([](Json& m) { m["policy"]["parts"] = Json::array(); }), HasSubstr("'parts'"));
  EXPECT_THAT(refused_manifest([](Json& m) { m["format_version"] = 0; }), HasSubstr("format_version: got 0"));
  EXPECT_THAT(refused_manifest([](Json& m) { m["format_version"] = "1"; }), HasSubstr("format_version"));
  EXPECT_THAT(refused_container(
                  [](Safetensors& c) { c.metadata.insert_or_assign("sooner.format_version", std::string(1, '9')); }),
              HasSubstr("'9'"));
}

TEST(HostileModel, ReadsAFileWhoseMetadataAToolHasDropped) {
  Safetensors contents = parse_safetensors(serialize_model(tiny_model()), "tiny");
  contents.metadata.clear();
  EXPECT_EQ(parse_model(serialize_safetensors(contents), "t").manifest.class_names.size(), 3U);
}

TEST(HostileModel, WithManifestMembersMissingUnknownOrOutOfRangeIsRefused) {
  const auto node = [](Json& m, int i) -> Json& { return m["graph"]["nodes"][static_cast<size_t>(i)]; };
  EXPECT_THAT(refused_manifest([](Json& m) { m["surprise"] = 1; }), HasSubstr("unknown key 'surprise'"));
  EXPECT_THAT(refused_manifest([](Json& m) { m.erase("policy"); }), HasSubstr("'policy' is missing"));
  EXPECT_THAT(refused_manifest([&](Json& m) { node(m, 1)["op"] = "conv9d"; }),
              HasSubstr("graph.nodes[1].op: operation 'conv9d' is unknown"));
  EXPECT_THAT(refused_manifest([&](Json& m) { node(m, 1)["attributes"]["kernel_h"] = -3; }),
              HasSubstr("graph.nodes[1].attributes.kernel_h: got -3"));
  EXPECT_THAT(refused_manifest([&](Json& m) { node(m, 1)["attributes"]["stride_h"] = 0; }), HasSubstr("'conv1'"));
  EXPECT_THAT(refused_manifest([&](Json& m) { node(m, 1)["attributes"]["groups"] = 3; }), HasSubstr("groups"));
  EXPECT_THAT(refused_manifest([&](Json& m) { node(m, 1)["attributes"]["extra"] = 3; }), HasSubstr("14 members"));
  EXPECT_THAT(refused_manifest([&](Json& m) { node(m, 1)["attributes"].erase("bias"); }),
              HasSubstr("'bias' is missing"));
  EXPECT_THAT(refused_manifest([&](Json& m) { node(m, 3)["attributes"] = nullptr; }), HasSubstr("expected an object"));
  EXPECT_THAT(refused_manifest([&](Json& m) { node(m, 2)["inputs"][0] = 7; }), HasSubstr("'bn1'"));
  EXPECT_THAT(refused_manifest([&](Json& m) { node(m, 2)["inputs"][0] = -1; }), HasSubstr("got -1"));
  EXPECT_THAT(refused_manifest([&](Json& m) { node(m, 2)["name"] = "conv1"; }), HasSubstr("two nodes"));
  EXPECT_THAT(refused_manifest([&](Json& m) { node(m, 2)["name"] = "a\tb"; }), HasSubstr("no node name"));
  EXPECT_THAT(refused_manifest([&](Json& m) { node(m, 2)["name"] = "sooner.manifest"; }), HasSubstr("kept for"));
  EXPECT_THAT(refused_manifest([&](Json& m) { node(m, 5)["name"] = "exits.0.gate"; }), HasSubstr("two parameters"));
  EXPECT_THAT(refused_manifest([](Json& m) { m["graph"]["input_shape"] = {1, 70000, 4}; }), HasSubstr("got 70000"));
  EXPECT_THAT(refused_manifest([](Json& m) { m["graph"]["input_shape"] = {1, 4}; }), HasSubstr("1x4"));
  EXPECT_THAT(refused_manifest([](Json& m) { m["graph"]["input_shape"] = {1, 65536, 65536}; }), HasSubstr("2^31"));
  EXPECT_THAT(refused_manifest([&](Json& m) {
                for (const char* pad : {"pad_top", "pad_left", "pad_bottom", "pad_right"}) {
                  node(m, 1)["attributes"][pad] = 1 << 20;
                }
              }),
              HasSubstr("2^31"));
  EXPECT_THAT(refused_manifest([](Json& m) { m["graph"]["classes"] = 0; }), HasSubstr("graph.classes: got 0"));
  EXPECT_THAT(refused_manifest([](Json& m) { m["graph"]["stages"] = Json::array(); }), HasSubstr("no stage"));
  EXPECT_THAT(refused_manifest([](Json& m) { m["graph"]["nodes"] = Json::array(); }), HasSubstr("node 0"));
  EXPECT_THAT(refused_manifest([](Json& m) { m["graph"]["stages"][0]["trunk"][1] = 9999; }),
              HasSubstr("names node 9999"));
  EXPECT_THAT(refused_manifest([](Json& m) { m["graph"]["stages"][0]["exit"]["logits"] = 1; }), HasSubstr("exit 0"));
  EXPECT_THAT(refused_manifest([](Json& m) { m["graph"]["stages"][1]["exit"]["name"] = "exit0"; }),
              HasSubstr("two exits"));
}

TEST(HostileModel, WithAnUnusablePolicyOrRecordIsRefused) {
  EXPECT_THAT(refused_manifest([](Json& m) { m["policy"]["name"] = "oracle"; }), HasSubstr("oracle"));
  EXPECT_THAT(refused_manifest([](Json& m) { m["policy"]["thresholds"] = {0.5, 0.5}; }), HasSubstr("policy"));
  EXPECT_THAT(refused_manifest([](Json& m) { m["policy"]["thresholds"] = {"nan"}; }), HasSubstr("got \"nan\""));
  EXPECT_THAT(refused_manifest([](Json& m) { m["policy"]["thresholds"] = {nullptr}; }), HasSubstr("got null"));
  EXPECT_THAT(refused_manifest([](Json& m) { m["policy"]["temperatures"] = {0, 1}; }), HasSubstr("policy"));
  EXPECT_THAT(refused_manifest([](Json& m) { m["policy"]["cap"] = 2; }), HasSubstr("policy"));
  EXPECT_THAT(refused_manifest([](Json& m) { m["policy"]["always_exit"] = 4294967296; }), HasSubstr("always_exit"));
  EXPECT_THAT(refused_manifest([](Json& m) { m["calibrations"][0]["exit_shares"] = {0.5}; }), HasSubstr("exit_shares"));
  EXPECT_THAT(refused_manifest([](Json& m) { m["calibrations"][0]["accuracy"] = 1.5; }), HasSubstr("accuracy"));
  EXPECT_THAT(refused_manifest([](Json& m) { m["calibrations"][0]["cost_fraction"] = "inf"; }), HasSubstr("cost"));
  EXPECT_THAT(refused_manifest([](Json& m) { m["calibrations"][0]["histogram_low"] = {0}; }), HasSubstr("bounds"));
  EXPECT_THAT(refused_manifest([](Json& m) { m["calibrations"][0]["score_histograms"][0][0] = -1; }),
              HasSubstr("calibrations[0].score_histograms[0][0]"));
  EXPECT_THAT(refused_manifest([](Json& m) { m["calibrations"][0]["score_histograms"][0][0] = 1 << 30; }),
              HasSubstr("1073741824 samples in a bin"));
  EXPECT_THAT(refused_manifest([](Json& m) { m["preprocessing"]["std"] = {0.0}; }), HasSubstr("std"));
  EXPECT_THAT(refused_manifest([](Json& m) { m["preprocessing"]["channel_order"] = "BGR"; }), HasSubstr("BGR"));
  EXPECT_THAT(refused_manifest([](Json& m) { m["provenance"]["seed"] = -1; }), HasSubstr("seed"));
  EXPECT_THAT(refused_manifest([](Json& m) { m["saved_precision"] = "bf16"; }), HasSubstr("bf16"));
  EXPECT_THAT(refused_manifest([](Json& m) { m["check_samples"] = 5000; }), HasSubstr("check_samples"));
  EXPECT_THAT(refused_manifest([](Json& m) { m["check_samples"] = 2; }), HasSubstr("sooner.check.images"));
  EXPECT_THAT(refused_manifest([](Json& m) { m["class_names"].push_back("d"); }), HasSubstr("4 class names"));
}

// The tiny model, quantised, with its quantisation changed.
template <typename Change>
std::string refused_quantisation(Change change) {
  return refused_manifest([&](Json& m) {
    m = Json::parse(manifest_to_json(quantised_tiny_model().manifest));
    change(m["quantisation"]);
  });
}

TEST(HostileModel, WithAnUnusableQuantisationIsRefused) {
  const auto scale = [](const Json& number) {
    return refused_quantisation([&](Json& q) { q["maps"][0]["scale"] = number; });
  };
  EXPECT_THAT(scale(0), HasSubstr("quantisation.maps[0].scale: got 0"));
  EXPECT_THAT(scale(-0.5), HasSubstr("got -0.5"));
  EXPECT_THAT(scale(1e-13), HasSubstr("got 1e-13"));
  EXPECT_THAT(scale(1e13), HasSubstr("expected a number from"));
  EXPECT_THAT(scale("inf"), HasSubstr("got \"inf\""));
  EXPECT_THAT(scale("nan"), HasSubstr("got \"nan\""));
  EXPECT_THAT(scale(nullptr), HasSubstr("got null"));
  EXPECT_THAT(refused_quantisation([](Json& q) { q["maps"][0].erase("scale"); }), HasSubstr("'scale' is missing"));
  EXPECT_THAT(refused_quantisation([](Json& q) { q["maps"][0]["zero_point"] = 3; }), HasSubstr("unknown key"));
  EXPECT_THAT(refused_quantisation([](Json& q) { q["maps"][0]["signed"] = 1; }), HasSubstr("expected true or false"));
  EXPECT_THAT(refused_quantisation([](Json& q) { q["maps"][0]["node"] = "conv7"; }), HasSubstr("no node 'conv7'"));
  EXPECT_THAT(refused_quantisation([](Json& q) { q["maps"][0]["node"] = "fc"; }), HasSubstr("'fc' gives no map"));
  EXPECT_THAT(refused_quantisation([](Json& q) { q["maps"][0]["node"] = q["maps"][1]["node"]; }),
              HasSubstr("for the second time"));
  EXPECT_THAT(refused_quantisation([](Json& q) { q["maps"] = Json::object(); }), HasSubstr("expected an array"));
  EXPECT_THAT(refused_quantisation([](Json& q) { q["method"] = "mes"; }), HasSubstr("'mes' is unknown"));
  EXPECT_THAT(refused_quantisation([](Json& q) { q["samples"] = 0; }), HasSubstr("quantisation.samples: got 0"));
  EXPECT_THAT(refused_quantisation([](Json& q) { q["model_hash"] = "0123"; }), HasSubstr("16 hex digits"));
  EXPECT_THAT(refused_quantisation([](Json& q) { q = nullptr; }), HasSubstr("quantisation: expected an object"));
  EXPECT_THAT(refused_manifest([](Json& m) { m["quantisation"] = nullptr; }), HasSubstr("unknown key 'quantisation'"));
}

TEST(HostileModel, WithTensorsThatDoNotFitTheGraphIsRefused) {
  EXPECT_THAT(refused_container([](Safetensors& c) { c.tensors.erase("conv1.weight"); }),
              HasSubstr("'conv1.weight' is missing"));
  EXPECT_THAT(refused_container([](Safetensors& c) { c.tensors["conv1.weight"] = Tensor(DType::kF32, {2, 9}); }),
              HasSubstr("got F32 of shape 2x9, expected F32 of shape 2x1x3x3"));
  EXPECT_THAT(refused_container([](Safetensors& c) { c.tensors["conv1.weight"] = Tensor(DType::kI32, {2, 1, 3, 3}); }),
              HasSubstr("got I32"));
  EXPECT_THAT(refused_container([](Safetensors& c) { c.tensors["fc.extra"] = Tensor(DType::kF32, {1}); }),
              HasSubstr("no parameter of the graph"));
  EXPECT_THAT(refused_container([](Safetensors& c) { c.tensors["sooner.check.gates"].floats()[0] = 1.5F; }),
              HasSubstr("sooner.check.gates"));
}

TEST(HostileModel, NamesTheByteOfAWeightThatIsNotFinite) {
  std::vector<std::byte> file = serialize_model(tiny_model());
  const size_t at = parse_safetensors(file, "tiny").data_offsets.at("fc.weight") + size_t{4} * 5;
  const float bad = -std::numeric_limits<float>::infinity();
  std::memcpy(file.data() + at, &bad, 4);
  const std::string message = refusal(file);
  EXPECT_THAT(message, HasSubstr(fmt::format("byte {}: tensor 'fc.weight' element 5 is -inf", at)));
}

// What may come of any bytes at all: a model that can be written and read again, or kDataLoss.
void expect_model_or_data_loss(const std::vector<std::byte>& file) {
  try {
    const ModelFile model = parse_model(file, "mutant");
    EXPECT_EQ(model_hash(parse_model(serialize_model(model), "again")), model_hash(model));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kDataLoss) << error.what();
    EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos);
  }
}

TEST(HostileModel, SurvivesThousandsOfMutations) {
  const std::vector<std::byte> good = serialize_model(quantised_tiny_model());
  const std::vector<std::string> pieces = {"0",
                                           "-1",
                                           "9223372036854775807",
                                           "1e308",
                                           "[",
                                           "]",
                                           "{",
                                           "}",
                                           "\"",
                                           ",",
                                           "\\u0000",
                                           "null",
                                           "inf",
                                           ":",
                                           "1.5",
                                           "\xff",
                                           "{}",
                                           "[]",
                                           "18446744073709551616",
                                           "true",
                                           "\xc3",
                                           "\n",
                                           "65536"};
  Rng rng(20250131);
  for (int round = 0; round < test::long_rounds(2000); ++round) {
    std::vector<std::byte> file = good;
    for (uint64_t changes = 1 + rng.below(4); changes > 0; --changes) {
      const auto at = static_cast<std::ptrdiff_t>(rng.below(file.size()));
      switch (rng.below(5)) {
        case 0:  // one bit
          file[static_cast<size_t>(at)] ^= static_cast<std::byte>(1U << rng.below(8));
          break;
        case 1:  // one byte
          file[static_cast<size_t>(at)] = static_cast<std::byte>(rng.below(256));
          break;
        case 2: {  // some bytes gone
          const auto end =
              std::min<std::ptrdiff_t>(at + 1 + static_cast<std::ptrdiff_t>(rng.below(20)), std::ssize(file));
          file.erase(file.begin() + at, file.begin() + end);
          break;
        }
        case 3: {  // something JSON cares about comes in
          const auto piece = std::as_bytes(std::span<const char>(pieces[rng.below(pieces.size())]));
          file.insert(file.begin() + at, piece.begin(), piece.end());
          break;
        }
        default: {  // digits of the header or manifest replaced, keeping every length
          auto digit = std::find_if(file.begin() + at, file.end(),
                                    [](std::byte b) { return b >= std::byte{'0'} && b <= std::byte{'9'}; });
          if (digit != file.end()) *digit = static_cast<std::byte>('0' + rng.below(10));
        }
      }
      if (file.empty()) break;
    }
    expect_model_or_data_loss(file);
  }
}

TEST(HostileModel, OfARegressionThatContradictsItselfIsRefused) {
  const auto refused = [](const std::function<void(ModelFile&)>& change) {
    ModelFile model = regression_tiny_model();
    change(model);
    return std::string(error_of([&] { serialize_model(model); }).what());
  };
  EXPECT_THAT(refused([](ModelFile& m) { m.manifest.quantity.reset(); }), HasSubstr("1 outputs and no quantity"));
  EXPECT_THAT(refused([](ModelFile& m) { m.manifest.quantity->unit = ""; }), HasSubstr("the quantity 'angle' in ''"));
  EXPECT_THAT(refused([](ModelFile& m) { m.manifest.class_names = {"angle"}; }),
              HasSubstr("1 class names, expected 0"));
  EXPECT_THAT(refused([](ModelFile& m) { m.manifest.calibrations[0].quality = 0.5; }), HasSubstr("an error of -0.5"));
  EXPECT_THAT(
      refused([](ModelFile& m) { m.manifest.policy = {.name = "max-prob", .thresholds = Threshold::scores({1, 1})}; }),
      HasSubstr("'max-prob' needs classes"));
  ModelFile classes = tiny_model();
  classes.manifest.quantity = Quantity{"angle", "degrees"};
  EXPECT_THAT(error_of([&] { serialize_model(classes); }).what(), HasSubstr("3 outputs and a quantity"));
}

}  // namespace
}  // namespace sooner
