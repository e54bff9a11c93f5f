#include "backend/common/weights.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "core/error.h"
#include "graph/graph_builder.h"
#include "graph/parameters.h"

namespace sooner {
namespace {

Graph tiny() {
  GraphBuilder b("tiny", {1, 1, 2}, 2);
  return b.finish(b.linear("fc", b.flatten("flatten", b.relu("relu", b.batch_norm("bn", b.input()))), 2));
}

TensorMap zeros(const Graph& graph) {
  TensorMap tensors;
  for (const ParameterSpec& spec : parameters(graph)) tensors.emplace(spec.name, Tensor(DType::kF32, spec.shape));
  return tensors;
}

void expect_refused(const TensorMap& tensors, const std::string& part) {
  try {
    const Weights weights(tiny(), tensors);
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(Weights, NamesAMissingTensor) {
  TensorMap tensors = zeros(tiny());
  tensors.erase("fc.bias");
  expect_refused(tensors, "'fc.bias' is missing");
}

TEST(Weights, NamesAWrongShape) {
  TensorMap tensors = zeros(tiny());
  tensors.at("fc.weight") = Tensor(DType::kF32, {2, 3});
  expect_refused(tensors, "'fc.weight' has shape 2x3, expected 2x2");
}

TEST(Weights, RefusesIntegers) {
  TensorMap tensors = zeros(tiny());
  tensors.at("fc.bias") = Tensor(DType::kI32, {2});
  expect_refused(tensors, "'fc.bias' is I32");
}

TEST(Weights, RefusesNumbersThatAreNot) {
  TensorMap tensors = zeros(tiny());
  tensors.at("fc.weight").floats()[3] = std::numeric_limits<float>::quiet_NaN();
  expect_refused(tensors, "at element 3");
}

TEST(Weights, RefusesANegativeVariance) {
  TensorMap tensors = zeros(tiny());
  tensors.at("bn.running_var").floats()[0] = -1;
  expect_refused(tensors, "expected a variance >= 0");
}

TEST(Weights, ReadsBf16) {
  TensorMap tensors = zeros(tiny());
  Tensor bias(DType::kBF16, {2});
  const uint16_t bits[2] = {to_bf16(1.5F), to_bf16(-2)};
  std::memcpy(bias.raw().data(), bits, sizeof(bits));
  tensors.at("fc.bias") = bias;
  const Weights weights(tiny(), tensors);
  EXPECT_EQ(weights.get("fc.bias")[0], 1.5F);
  EXPECT_EQ(weights.get("fc.bias")[1], -2.0F);
  EXPECT_TRUE(weights.get_or_empty("relu.bias").empty());
}

}  // namespace
}  // namespace sooner
