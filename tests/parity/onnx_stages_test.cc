// What docs/onnx_stages.md says another runtime has to do with stages.json, done in ONNX Runtime, against this engine:
// who leaves where, and with which answer, under every policy and wrapper.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "core/file.h"
#include "core/rng.h"
#include "format/manifest.h"
#include "onnx/onnx_export.h"
#include "runtime/session.h"
#include "support/policy_choices.h"
#include "support/random_weights.h"
#include "support/temp_folder.h"
#include "zoo/zoo.h"

namespace sooner {
namespace {

constexpr int64_t kSamples = 400;

TEST(OnnxStages, LeaveInAnotherRuntimeAsThePageSays) {
  if (!std::filesystem::exists(SOONER_PYTHON)) GTEST_SKIP() << "needs the private Python environment";
  ModelFile file;
  file.manifest.graph = build_network({"resnet8:w3", "fractions:.3,.6", "gap-fc", "both"}, {3, 16, 16}, 4);
  const Graph& graph = file.manifest.graph;
  file.manifest.class_names = {"a", "b", "c", "d"};
  file.manifest.preprocessing = {graph.input_shape, {0, 0, 0}, {1, 1, 1}, "RGB"};
  file.manifest.cost_weights =
      CostWeights{.low = 0.01, .high = 1, .standard = 0.05, .shifts = {{1, 0.5}, {-0.5, 0.25}}};
  file.tensors = test::random_weights(graph, 21);
  std::vector<float> images(static_cast<size_t>(kSamples * element_count(graph.input_shape)));
  Rng rng(22);
  for (float& pixel : images) pixel = static_cast<float>(rng.normal());

  const auto model = Model::from_file(file);
  const PolicyContext context = policy_context(file.manifest);
  const auto exits = static_cast<size_t>(context.exits), classes = static_cast<size_t>(context.classes);
  std::vector<float> logits(static_cast<size_t>(kSamples) * exits * classes);
  std::vector<float> gates(static_cast<size_t>(kSamples) * (exits - 1));
  Session(model).run_all_exits(images, kSamples, logits, gates);

  const TempFolder folder;
  std::vector<PolicySpec> specs = test::every_policy(context, logits, gates);
  specs.push_back({.name = "always", .settings = {{"exit", 1}}});
  specs.push_back({});  // never
  specs.push_back({.name = "gate", .settings = {{"cost_weight", 0.3}}});
  nlohmann::json answers = nlohmann::json::array();
  std::vector<OnnxStage> stages = export_onnx_stages(file);
  for (size_t k = 0; k < stages.size(); ++k) {
    write_file_atomically(folder / fmt::format("stage{}.onnx", k), stages[k].bytes);
  }
  for (size_t i = 0; i < specs.size(); ++i) {
    file.manifest.policy = specs[i];
    write_file_atomically(folder / fmt::format("stages{}.json", i), onnx_stages_manifest(file, stages));
    SessionOptions options;
    if (std::isfinite(specs[i].wrappers.deadline_seconds)) options.stage_seconds.assign(exits, 1e-9);
    Session session(model, make_policy(specs[i], context), options);
    nlohmann::json each = nlohmann::json::array();
    for (const Result& result : session.run(images, kSamples)) {
      each.push_back({result.exit_index, result.label, result.left == Left::kAbstains});
    }
    answers.push_back(each);
  }
  write_file_atomically(folder / "answers.json", answers.dump());
  const std::string_view bytes(reinterpret_cast<const char*>(images.data()), images.size() * sizeof(float));
  write_file_atomically(folder / "images.f32", bytes);
  const std::string command = fmt::format("'{}' '{}' '{}'", SOONER_PYTHON, SOONER_ONNX_STAGES, folder.path().string());
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
}

}  // namespace
}  // namespace sooner
