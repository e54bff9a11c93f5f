// Every network of the zoo gives the same answers in the trainer, on the reference backend and on oneDNN.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "check/check.h"
#include "graph/cost.h"
#include "support/random_weights.h"
#include "train/graph_module.h"
#include "train/torch_tensors.h"
#include "zoo/zoo.h"

namespace sooner {
namespace {

// Beyond them the bound of tolerance.h takes seconds for an image, and the reference backend does.
constexpr int64_t kBoundMacs = 130'000'000, kReferenceMacs = 2'000'000'000;

struct Network {
  std::string name;
  Shape input;
  int64_t classes;
};
void PrintTo(const Network& network, std::ostream* out) { *out << network.name; }

AllLogits trainer_logits(const Graph& graph, const TensorMap& weights, std::span<const float> images) {
  GraphModule module(graph, 1);
  module.import_tensors(weights);
  Shape shape = graph.input_shape;
  shape.insert(shape.begin(), static_cast<int64_t>(images.size()) / element_count(graph.input_shape));
  const ExitOutputs outputs = module.forward(to_torch(Tensor::from_floats(shape, images)), false);
  AllLogits result;
  for (int64_t sample = 0; sample < shape[0]; ++sample) {
    for (const at::Tensor& logits : outputs.logits) {
      const Tensor row = from_torch(logits[sample].contiguous());
      result.logits.insert(result.logits.end(), row.floats().begin(), row.floats().end());
    }
    for (size_t gate = 0; gate + 1 < graph.exits(); ++gate) {
      result.gate_logits.push_back(outputs.gates[gate].defined() ? outputs.gates[gate][sample].item<float>()
                                                                 : std::nanf(""));
    }
  }
  return result;
}

class ZooParity : public testing::TestWithParam<Network> {};

TEST_P(ZooParity, TrainerAndBackendsAgree) {
  const Network& network = GetParam();
  Graph graph = backbone_from_string(network.name, network.input, network.classes);
  const int64_t macs = compute_cost(graph).backbone_macs;
  const bool small = macs <= kBoundMacs;
  if (small) graph = attach_described(graph, {"", "fractions:.4", "conv-gap-fc", "both"});
  const TensorMap weights = test::random_weights(graph, 3);
  const std::vector<float> images = test::random_images(graph, small ? 2 : 1, 4);
  const AllLogits trained = trainer_logits(graph, weights, images);
  const float largest = std::ranges::max(trained.logits, {}, [](float value) { return std::abs(value); });
  for (const std::string& name : backend_names()) {
    if (name == "auto" || (name == "ref" && macs > kReferenceMacs)) continue;
    const AllLogits got = run_every_exit(graph, weights, *make_backend(name), {.precision = Precision::kF32}, images);
    if (small) {
      const Agreement agreement = compare_logits(graph, weights, images, Precision::kF32, trained, got);
      EXPECT_TRUE(agreement.holds()) << name << ' ' << to_string(agreement);
    }
    ASSERT_EQ(got.logits.size(), trained.logits.size());
    double apart = 0;
    for (size_t i = 0; i < got.logits.size(); ++i) {
      apart = std::max(apart, std::abs(static_cast<double>(got.logits[i]) - trained.logits[i]));
    }
    EXPECT_LE(apart, 1e-5 * std::abs(largest)) << name;
  }
}

std::vector<Network> networks() {
  std::vector<Network> result{{"b-lenet", {1, 28, 28}, 10}};
  for (const char* name : {"b-alexnet",
                           "alexnet-cifar",
                           "resnet20",
                           "resnet32",
                           "resnet56",
                           "resnet110:w4",
                           "plainnet20",
                           "plainnet20:no-bn",
                           "resnet18:cifar",
                           "resnet34:cifar",
                           "vgg11:cifar",
                           "vgg11:bn:cifar",
                           "vgg13:cifar",
                           "vgg13:bn:cifar",
                           "vgg16:cifar",
                           "vgg16:bn:cifar",
                           "mobilenetv2:cifar",
                           "mobilenetv2:w0.25:cifar",
                           "shufflenetv2:cifar",
                           "shufflenetv2:w0.5:cifar",
                           "swift",
                           "swift:w24:d3:s8"}) {
    result.push_back({name, {3, 32, 32}, 10});
  }
  // Each of the larger VGGs has half a gigabyte of weights; those for CIFAR differ in the linear layers alone.
  for (const char* name : {"resnet18", "resnet34", "vgg11", "vgg16:bn", "mobilenetv2", "mobilenetv2:w0.5",
                           "shufflenetv2", "shufflenetv2:w0.5", "shufflenetv2:w2", "squeezenet1.1"}) {
    result.push_back({name, {3, 224, 224}, 1000});
  }
  return result;
}

INSTANTIATE_TEST_SUITE_P(Networks, ZooParity, testing::ValuesIn(networks()), [](const auto& instance) {
  std::string name = instance.param.name;
  std::ranges::replace_if(name, [](char c) { return c == ':' || c == '.' || c == '-'; }, '_');
  return name;
});

}  // namespace
}  // namespace sooner
