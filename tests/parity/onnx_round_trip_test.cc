// What is exported and read again is the same network: weights bit by bit, answers on the reference backend.
#include <gmock/gmock.h>

#include <set>

#include "check/check.h"
#include "format/new_model.h"
#include "onnx/onnx_export.h"
#include "onnx/onnx_import.h"
#include "support/random_weights.h"
#include "zoo/zoo.h"

namespace sooner {
namespace {

class OnnxRoundTrip : public testing::TestWithParam<std::pair<const char*, Shape>> {};

// Every weight once, whatever its name.
std::multiset<std::string> contents(const TensorMap& tensors) {
  std::multiset<std::string> all;
  for (const auto& [name, tensor] : tensors) {
    const auto raw = tensor.raw();
    all.emplace(reinterpret_cast<const char*>(raw.data()), raw.size());
  }
  return all;
}

TEST_P(OnnxRoundTrip, KeepsWeightsNamesAndAnswers) {
  const auto& [name, shape] = GetParam();
  const Graph graph = backbone_from_string(name, shape, 7);
  const TensorMap weights = test::random_weights(graph, 3);
  const std::string bytes = export_onnx(imported_model(graph, weights, {}), OnnxForm::kPlain);
  const ImportedNetwork network = import_onnx(std::as_bytes(std::span(bytes)), "net.onnx", {});
  EXPECT_EQ(network.graph.name, "net");
  EXPECT_EQ(network.graph.input_shape, shape);
  EXPECT_EQ(network.graph.classes, 7);
  EXPECT_EQ(contents(network.tensors), contents(weights));
  for (const auto& [parameter, tensor] : network.tensors) EXPECT_TRUE(weights.contains(parameter)) << parameter;
  const auto backend = make_backend("ref");
  const std::vector<float> images = test::random_images(graph, 2, 5);
  const AllLogits expected = run_every_exit(graph, weights, *backend, {}, images);
  const AllLogits got = run_every_exit(network.graph, network.tensors, *backend, {}, images);
  EXPECT_EQ(got.logits, expected.logits);
}

INSTANTIATE_TEST_SUITE_P(
    Zoo, OnnxRoundTrip,
    testing::Values(std::pair{"b-lenet", Shape{1, 28, 28}}, std::pair{"b-alexnet", Shape{3, 32, 32}},
                    std::pair{"alexnet-cifar", Shape{3, 32, 32}}, std::pair{"resnet20:w8", Shape{3, 32, 32}},
                    std::pair{"resnet18", Shape{3, 33, 35}}, std::pair{"vgg11:bn:cifar", Shape{3, 32, 32}},
                    std::pair{"mobilenetv2:w0.5:cifar", Shape{3, 32, 32}},
                    std::pair{"shufflenetv2:w0.5:cifar", Shape{3, 32, 32}},
                    std::pair{"squeezenet1.1", Shape{3, 64, 64}}, std::pair{"swift:w8:d3", Shape{3, 32, 32}}),
    [](const auto& each) {
      std::string name = each.param.first;
      std::ranges::replace_if(name, [](char c) { return c == '-' || c == ':' || c == '.'; }, '_');
      return name;
    });

}  // namespace
}  // namespace sooner
