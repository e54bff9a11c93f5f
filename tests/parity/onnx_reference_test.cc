// The exported graph, computed by the ONNX project's own evaluator, against the reference backend.
#include "onnx/onnx_export.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <cstdlib>

#include "check/check.h"
#include "core/file.h"
#include "core/rng.h"
#include "graph/graph_builder.h"
#include "support/gated_network.h"
#include "support/random_weights.h"
#include "support/temp_folder.h"
#include "zoo/zoo.h"

namespace sooner {
namespace {

NodeId flat_head(GraphBuilder& builder, const std::string& prefix, NodeId src) {
  return builder.linear(prefix + "fc", builder.flatten(prefix + "flatten", src), builder.classes(), false);
}

NodeId pooled_head(GraphBuilder& builder, const std::string& prefix, NodeId src) {
  return builder.linear(prefix + "fc", builder.global_avg_pool(prefix + "gap", src), builder.classes());
}

// Every operation, every kind of padding that shapes allow, every kind of gate.
Graph every_operation() {
  GraphBuilder b("every operation", {2, 14, 11}, 5);
  Conv2dAttributes uneven = conv(6, 3, 1, 0);
  uneven.pad_top = 2;
  uneven.pad_right = 1;
  uneven.stride_w = 2;
  uneven.dilation_h = 2;
  uneven.groups = 2;
  NodeId x = b.conv2d("conv", b.input(), uneven);  // 6x12x5
  x = b.relu("relu", b.batch_norm("bn", x));
  x = b.max_pool("max", x, pool(3, 2, 1, true));  // 6x7x3
  PoolAttributes counting = pool(2, 1, 1);
  counting.count_include_pad = true;
  x = b.avg_pool("counting", x, counting);  // 6x8x4
  PoolAttributes beyond = pool(3, 3, 1, true);
  beyond.count_include_pad = true;
  const NodeId coarse = b.avg_pool("beyond", x, beyond);
  x = b.mixed_pool("mixed", x, pool(3, 3, 1, true));
  x = b.add("sum", x, coarse);
  PoolAttributes flat = pool(2, 1, 0, true);
  flat.kernel_w = 1;
  x = b.avg_pool("avg", x, flat);
  x = b.concat("joined", {x, b.hard_swish("again", x)});
  x = b.clip("clip", b.channel_shuffle("shuffle", b.slice("slice", x, 1, 11), 5), -0.25, 0.5);
  x = b.local_response_norm("norm", x, {.size = 4, .alpha = 0.5, .beta = 0.75, .bias = 1.25});
  const Graph plain = b.finish(b.linear("fc", b.flatten("flatten", x), 5));
  return attach_exits(plain, {{"relu", pooled_head, Gate{}},
                              {"max", flat_head, Gate{.features = true, .scores = false}},
                              {"counting", flat_head, Gate{.features = false, .scores = true}},
                              {"sum", pooled_head, std::nullopt}});
}

// A model that holds the reference backend's answers as its check samples.
ModelFile model_with_answers(const Graph& graph) {
  constexpr int64_t kSamples = 7;
  ModelFile model;
  Manifest& manifest = model.manifest;
  manifest.graph = graph;
  manifest.class_names.assign(static_cast<size_t>(graph.classes), "class");
  for (size_t c = 0; c < manifest.class_names.size(); ++c) manifest.class_names[c] += std::to_string(c);
  const Shape& image = graph.input_shape;
  const auto channels = static_cast<size_t>(image[0]);
  manifest.preprocessing = {image, std::vector(channels, 0.4), std::vector(channels, 0.3), channels == 1 ? "L" : "RGB"};
  manifest.check_samples = kSamples;
  model.tensors = test::random_weights(graph, 11);
  Tensor pixels(DType::kU8, {kSamples, image[0], image[1], image[2]});
  std::vector<float> images;
  Rng rng(12);
  for (std::byte& pixel : pixels.raw()) {
    pixel = static_cast<std::byte>(rng.below(256));
    images.push_back(static_cast<float>((static_cast<double>(pixel) / 255 - 0.4) / 0.3));
  }
  const AllLogits answers =
      run_every_exit(graph, model.tensors, *make_backend("ref"), {Precision::kF32, kSamples}, images);
  const auto exits = static_cast<int64_t>(graph.exits());
  model.tensors["sooner.check.images"] = pixels;
  model.tensors["sooner.check.logits"] = Tensor::from_floats({kSamples, exits, graph.classes}, answers.logits);
  if (exits > 1) {
    std::vector<float> gates;
    for (const float logit : answers.gate_logits) gates.push_back(static_cast<float>(1 / (1 + std::exp(-logit))));
    model.tensors["sooner.check.gates"] = Tensor::from_floats({kSamples, exits - 1}, gates);
  }
  return model;
}

class OnnxParity : public testing::TestWithParam<std::string> {};

TEST_P(OnnxParity, EveryFormGivesTheReferenceBackendsAnswers) {
  if (!std::filesystem::exists(SOONER_PYTHON)) GTEST_SKIP() << "needs the private Python environment";
  const Graph graph =
      GetParam() == "every operation" ? every_operation()
      : GetParam() == "gated"         ? test::gated_network({3, 9, 8}, 6, 4)
      : GetParam() == "cascade"
          ? build_network({"resnet8:w3", "fractions:.3,.6", "gap-fc", "both", /*cascade=*/true}, {3, 16, 16}, 4)
          : build_network({GetParam(), "fractions:.3,.6", "pool-fc", "none"}, {3, 16, 16}, 4);
  const ModelFile model = model_with_answers(graph);
  const TempFolder folder;
  save_model(model, folder / "model.safetensors");
  write_file_atomically(folder / "plain.onnx", export_onnx(model, OnnxForm::kPlain));
  write_file_atomically(folder / "all.onnx", export_onnx(model, OnnxForm::kAllExits));
  const std::vector<OnnxStage> stages = export_onnx_stages(model);
  for (size_t k = 0; k < stages.size(); ++k) {
    write_file_atomically(folder / fmt::format("stage{}.onnx", k), stages[k].bytes);
  }
  write_file_atomically(folder / "stages.json", onnx_stages_manifest(model, stages));
  const std::string at = folder.path().string();
  const std::string command =
      fmt::format("'{}' '{}' '{}/model.safetensors' '{}/plain.onnx' '{}/all.onnx' '{}/stages.json'", SOONER_PYTHON,
                  SOONER_ONNX_REFERENCE, at, at, at, at);
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
}

INSTANTIATE_TEST_SUITE_P(Networks, OnnxParity,
                         testing::Values("every operation", "gated", "b-lenet", "resnet8:w3", "cascade"));

}  // namespace
}  // namespace sooner
