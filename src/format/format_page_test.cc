// What docs/model_format.md shows, and the golden files of every version.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "core/file.h"
#include "format/manifest.h"
#include "format/policy_json.h"
#include "format/safetensors.h"
#include "golden/tiny_model.h"

namespace sooner {
namespace {

const std::filesystem::path kRoot = SOONER_SOURCE_DIR;
const std::filesystem::path kGolden = kRoot / "tests/golden/models/v1/tiny.safetensors";
const std::filesystem::path kCombined = kRoot / "tests/golden/models/v3/tiny_combined.safetensors";
const std::filesystem::path kQuantised = kRoot / "tests/golden/models/v2/tiny_quantised.safetensors";
const std::filesystem::path kGuaranteed = kRoot / "tests/golden/models/v3/tiny_guaranteed.safetensors";
const std::filesystem::path kRegression = kRoot / "tests/golden/models/v4/tiny_regression.safetensors";
const std::filesystem::path kLearned = kRoot / "tests/golden/models/v6/tiny_learned.safetensors";
const std::filesystem::path kNamed = kRoot / "tests/golden/models/v6/tiny_named.safetensors";
const std::filesystem::path kWithdrawn = kRoot / "tests/golden/models/v7/tiny_withdrawn.safetensors";
const std::filesystem::path kSurest = kRoot / "tests/golden/models/v5/tiny_surest.safetensors";

// The text of the first block fenced as ```<kind> under the page's `heading`.
std::string block(const std::string& kind, const std::string& heading) {
  const std::string page = read_text(kRoot / "docs/model_format.md");
  const std::string open = "```" + kind + "\n";
  const size_t begin = page.find(open, page.find("\n## " + heading));
  EXPECT_NE(begin, std::string::npos);
  return page.substr(begin + open.size(), page.find("```", begin + 3) - begin - open.size());
}

// Bytes of a dump whose lines read "offset: b0 b1 ...  text".
std::vector<std::byte> bytes_of_dump(const std::string& dump) {
  std::vector<std::byte> bytes;
  std::istringstream lines(dump);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_EQ(std::stoul(line.substr(0, 8), nullptr, 16), bytes.size());
    std::istringstream digits(line.substr(9, 49));
    for (std::string pair; digits >> pair;) bytes.push_back(static_cast<std::byte>(std::stoul(pair, nullptr, 16)));
  }
  return bytes;
}

TEST(FormatPage, ShowsTheBytesOfItsExample) {
  Safetensors contents;
  contents.metadata = {{"format", "pt"}, {"sooner.format_version", "1"}};
  contents.tensors["fc.bias"] = Tensor::from_floats({2}, std::vector<float>{1.0F, -2.5F});
  Tensor manifest(DType::kU8, {2});
  manifest.raw()[0] = std::byte{'{'};
  manifest.raw()[1] = std::byte{'}'};
  contents.tensors["sooner.manifest"] = manifest;
  EXPECT_EQ(bytes_of_dump(block("hex", "1. The container")), serialize_safetensors(contents));
}

TEST(FormatPage, ShowsTheManifestOfTheGoldenFile) {
  const auto shown = nlohmann::ordered_json::parse(block("json", "6. A complete manifest"));
  EXPECT_EQ(shown.dump(), manifest_to_json(load_model(kGolden).manifest));
}

TEST(FormatPage, ShowsAPolicyOfTheGoldenFileOfVersion6) {
  const auto shown = nlohmann::ordered_json::parse(block("json", "5. Policies"));
  const ModelFile model = load_model(kLearned);
  EXPECT_EQ(shown.dump(), policy_to_json(model.manifest.policy.parts.at(0), 6, 3).dump());
}

TEST(GoldenModel, OfVersion1LoadsWithEveryValue) {
  const ModelFile model = load_model(kGolden);
  const ModelFile made = tiny_model();
  EXPECT_EQ(manifest_to_json(model.manifest), manifest_to_json(made.manifest));
  EXPECT_EQ(model.manifest.policy, made.manifest.policy);
  EXPECT_EQ(model.manifest.graph.exits(), 2U);
  EXPECT_EQ(model_hash(model), model_hash(made));
  EXPECT_EQ(model_hash(model), "58d242368e316373");  // tables and scales of old files name their model so
  EXPECT_EQ(model.tensors.size(), 17U);
  EXPECT_EQ(model.tensors.at("bn1.running_var").floats()[0], made.tensors.at("bn1.running_var").floats()[0]);
}

TEST(GoldenModel, IsWhatThisVersionWrites) {
  EXPECT_EQ(serialize_model(tiny_model()), read_file(kGolden));
  EXPECT_EQ(serialize_model(quantised_tiny_model()), read_file(kQuantised));
  EXPECT_EQ(serialize_model(combined_tiny_model()), read_file(kCombined));
  EXPECT_EQ(serialize_model(guaranteed_tiny_model()), read_file(kGuaranteed));
  EXPECT_EQ(serialize_model(regression_tiny_model()), read_file(kRegression));
  EXPECT_EQ(serialize_model(surest_tiny_model()), read_file(kSurest));
  EXPECT_EQ(serialize_model(learned_tiny_model()), read_file(kLearned));
  EXPECT_EQ(serialize_model(named_tiny_model()), read_file(kNamed));
  EXPECT_EQ(serialize_model(withdrawn_tiny_model()), read_file(kWithdrawn));
}

TEST(GoldenModel, OfVersion3LoadsWithItsPolicy) {
  const ModelFile model = load_model(kCombined);
  EXPECT_EQ(model.manifest.policy, combined_tiny_model().manifest.policy);
  EXPECT_EQ(model.manifest.policy.parts.size(), 3U);
  EXPECT_EQ(model.manifest.policy.parts[2].settings.number("cost_weight"), 0.0625);
  EXPECT_EQ(model.manifest.cost_weights, combined_tiny_model().manifest.cost_weights);
  EXPECT_EQ(model.manifest.cost_weights->shifts, (std::vector<std::vector<double>>{{2.5, -0.25}}));
  EXPECT_EQ(model.manifest.calibrations.at(0).policy.wrappers.abstain_below.as_score(), 0.25);
  EXPECT_EQ(model_hash(model), model_hash(tiny_model()));
}

TEST(GoldenModel, OfVersion2LoadsWithItsQuantisation) {
  const ModelFile model = load_model(kQuantised);
  ASSERT_TRUE(model.manifest.quantisation);
  EXPECT_EQ(model.manifest.quantisation->method, "mse");
  EXPECT_EQ(model.manifest.quantisation->scales.at("relu1").scale, 0.0078125);
  EXPECT_TRUE(model.manifest.quantisation->scales.at("relu2").is_signed);
  EXPECT_EQ(model.manifest.quantisation->model_hash, model_hash(tiny_model()));
  EXPECT_EQ(load_model(kGolden).manifest.quantisation, std::nullopt);
}

TEST(GoldenModel, OfVersion7KnowsWhatWasTakenBack) {
  EXPECT_EQ(load_model(kWithdrawn).manifest.calibrations[1].guarantee->withdrawn, 2);
  EXPECT_EQ(load_model(kNamed).manifest.calibrations[1].guarantee->withdrawn, 0);
}

TEST(GoldenModel, OfVersion3LoadsWithItsGuarantee) {
  const ModelFile model = load_model(kGuaranteed);
  ASSERT_EQ(model.manifest.calibrations.size(), 2U);
  EXPECT_FALSE(model.manifest.calibrations[0].guarantee);
  EXPECT_EQ(model.manifest.calibrations[1].guarantee, guaranteed_tiny_model().manifest.calibrations[1].guarantee);
  EXPECT_EQ(model.manifest.calibrations[1].guarantee->split_hash, "fedcba9876543210");
  EXPECT_EQ(model.manifest.calibrations[1].exit_savings, std::vector<double>{0.375});
  EXPECT_EQ(model.manifest.quantisation, std::nullopt);
}

TEST(GoldenModel, OfVersion4AnswersWithANumber) {
  const ModelFile model = load_model(kRegression);
  EXPECT_EQ(model.manifest.quantity, (Quantity{"angle", "degrees"}));
  EXPECT_TRUE(model.manifest.class_names.empty());
  EXPECT_EQ(model.manifest.graph.classes, 1);
  const CalibrationRecord& record = model.manifest.calibrations.at(0);
  EXPECT_EQ(record.policy, regression_tiny_model().manifest.policy);
  EXPECT_EQ(record.quality, -4.5);
  EXPECT_EQ(record.exit_quality, (std::vector<double>{-9, -6.5, -4.25}));
  const auto written = nlohmann::json::parse(manifest_to_json(model.manifest));
  EXPECT_EQ(written["format_version"], 4);
  EXPECT_EQ(written["calibrations"][0]["last_exit_error"], 4.25);
  EXPECT_FALSE(written["calibrations"][0].contains("accuracy"));
}

TEST(GoldenModel, OfVersion5AnswersWithTheSurestExit) {
  const ModelFile model = load_model(kSurest);
  EXPECT_EQ(model.manifest.policy, surest_tiny_model().manifest.policy);
  EXPECT_TRUE(model.manifest.policy.wrappers.surest_so_far);
  EXPECT_FALSE(model.manifest.policy.parts.at(0).wrappers.surest_so_far);
  EXPECT_FALSE(model.manifest.calibrations.at(0).policy.wrappers.surest_so_far);
  EXPECT_EQ(nlohmann::json::parse(manifest_to_json(model.manifest))["format_version"], 5);
  EXPECT_EQ(model_hash(model), model_hash(tiny_model()));
}

TEST(GoldenModel, OfVersion6HoldsSettingsAndUnits) {
  const ModelFile model = load_model(kLearned);
  EXPECT_EQ(model.manifest.policy, learned_tiny_model().manifest.policy);
  EXPECT_EQ(model.manifest.policy.parts.at(0).settings.number("penalty"), 0.25);
  EXPECT_EQ(model.manifest.policy.parts[0].settings.rows("weights").at(1).at(5), -1);
  EXPECT_EQ(model.manifest.calibrations.at(0).policy, learned_tiny_model().manifest.calibrations[0].policy);
  const auto written = nlohmann::json::parse(manifest_to_json(model.manifest));
  EXPECT_EQ(written["format_version"], 6);
  const auto& thresholds = written["policy"]["parts"][0]["thresholds"];
  EXPECT_EQ(thresholds["unit"], "probability");
  EXPECT_EQ(thresholds["scores"][0], 1.5);
  EXPECT_NEAR(thresholds["values"][0].get<double>(), 0.8175744761936437, 1e-15);
  EXPECT_EQ(written["policy"]["wrappers"]["abstain_below"]["value"], 0.5);
  EXPECT_EQ(written["calibrations"][0]["policy"]["class_thresholds"]["values"][0][1], "nobody");
  EXPECT_EQ(model_hash(model), model_hash(tiny_model()));
}

}  // namespace
}  // namespace sooner
