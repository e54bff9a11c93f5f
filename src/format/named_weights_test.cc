#include "format/named_weights.h"

#include <gmock/gmock.h>

#include "support/message_of.h"
#include "support/random_weights.h"
#include "zoo/zoo.h"

namespace sooner {
namespace {

using testing::HasSubstr;

Graph network() { return backbone_from_string("resnet8:w2", {3, 8, 8}, 4); }

Safetensors as_pytorch(const Graph& graph) { return state_dict_of(graph, test::random_weights(graph, 3)); }

std::string refusal(const Safetensors& file) {
  return message_of(Code::kDataLoss, [&] { take_named_weights(network(), file, "w.safetensors"); });
}

TEST(NamedWeights, GoOutAsPyTorchWantsThemAndComeBackTheSame) {
  const Graph graph = network();
  const TensorMap weights = test::random_weights(graph, 3);
  const Safetensors file = state_dict_of(graph, weights);
  EXPECT_EQ(file.tensors.at("layer1.0.bn1.num_batches_tracked").dtype(), DType::kI64);
  EXPECT_TRUE(file.tensors.at("layer1.0.bn1.num_batches_tracked").shape().empty());
  const NamedWeights back = take_named_weights(graph, file, "w.safetensors");
  EXPECT_TRUE(back.notes.empty());
  ASSERT_EQ(back.tensors.size(), weights.size());
  for (const auto& [name, tensor] : weights) {
    EXPECT_TRUE(std::ranges::equal(tensor.raw(), back.tensors.at(name).raw())) << name;
  }
}

TEST(NamedWeights, MayStandBehindAPrefixThatAllShare) {
  Safetensors file;
  for (const auto& [name, tensor] : as_pytorch(network()).tensors) file.tensors["module.net." + name] = tensor;
  const NamedWeights taken = take_named_weights(network(), file, "w.safetensors");
  EXPECT_THAT(taken.notes, testing::ElementsAre(HasSubstr("begin with 'module.net.', which is left out")));
  EXPECT_TRUE(taken.tensors.contains("conv1.weight"));
}

TEST(NamedWeights, InBf16AreWidened) {
  Safetensors file = as_pytorch(network());
  Tensor narrow(DType::kBF16, {4});
  const uint16_t bits = to_bf16(1.5F);
  for (size_t i = 0; i < 4; ++i) std::memcpy(narrow.raw().data() + 2 * i, &bits, 2);
  file.tensors["fc.bias"] = narrow;
  const NamedWeights taken = take_named_weights(network(), file, "w.safetensors");
  EXPECT_THAT(taken.tensors.at("fc.bias").floats(), testing::Each(1.5F));
  EXPECT_THAT(taken.notes, testing::ElementsAre(HasSubstr("widened to fp32")));
}

TEST(NamedWeights, OfAnotherNetworkAreRefusedByName) {
  Safetensors file = as_pytorch(network());
  file.tensors["fc.wieght"] = file.tensors.at("fc.weight");
  file.tensors.erase("fc.weight");
  EXPECT_THAT(refusal(file), HasSubstr("has no 'fc.weight', which resnet8:w2 needs; did you mean 'fc.wieght'?"));
  file = as_pytorch(network());
  file.tensors["fc.bias"] = Tensor(DType::kF32, {5});
  EXPECT_THAT(refusal(file), HasSubstr("'fc.bias' is 5, resnet8:w2 has 4 there"));
  file = as_pytorch(network());
  file.tensors["layer4.0.conv1.weight"] = Tensor(DType::kF32, {1});
  EXPECT_THAT(refusal(file), HasSubstr("holds 'layer4.0.conv1.weight', which resnet8:w2 has no place for"));
  file = as_pytorch(network());
  file.tensors["fc.bias"] = Tensor(DType::kI32, {4});
  EXPECT_THAT(refusal(file), HasSubstr("'fc.bias' is I32, expected F32 or BF16"));
  EXPECT_THAT(refusal({}), HasSubstr("has no 'conv1.weight'"));
}

}  // namespace
}  // namespace sooner
