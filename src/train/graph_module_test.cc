#include "train/graph_module.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "core/rng.h"
#include "graph/carry_set.h"
#include "graph/graph_builder.h"
#include "graph/keep_exits.h"
#include "graph/parameters.h"
#include "policy/scores.h"
#include "support/error_of.h"
#include "train/compute_mode.h"
#include "train/gradient_norms.h"
#include "train/losses.h"
#include "train/sgd.h"
#include "train/step_memory.h"
#include "train/torch_tensors.h"
#include "zoo/heads.h"
#include "zoo/zoo.h"

namespace sooner {
namespace {

std::vector<float> values(const at::Tensor& tensor) {
  const Tensor copy = from_torch(tensor.to(at::kFloat));
  return {copy.floats().begin(), copy.floats().end()};
}

void set(GraphModule& module, const std::string& name, const std::vector<float>& numbers) {
  TensorMap tensors = module.export_tensors();
  tensors.at(name) = Tensor::from_floats(tensors.at(name).shape(), numbers);
  module.import_tensors(tensors);
}

Graph lenet_with_exit() {
  return build_network({.backbone = "b-lenet", .exits = "names:conv1", .head = "branchy", .gate = "both"}, {1, 28, 28},
                       10);
}

TEST(GraphModule, ComputesWhatTheNodesSay) {
  // One 2x2 convolution, padded on the right and bottom only, ReLU, global average, linear.
  GraphBuilder b("hand", {1, 2, 2}, 2);
  Conv2dAttributes a = conv(1, 2);
  a.pad_right = a.pad_bottom = 1;
  const NodeId x = b.relu("relu", b.conv2d("conv", b.input(), a));
  GraphModule module(b.finish(b.linear("fc", b.global_avg_pool("gap", x), 2)), 1);
  set(module, "conv.weight", {1, 0, 0, -1});
  set(module, "conv.bias", {0.5});
  set(module, "fc.weight", {2, -1});
  set(module, "fc.bias", {0, 1});
  const at::Tensor image = at::tensor(std::vector<float>{1, 2, 3, 5}).view({1, 1, 2, 2});
  // Convolution: (1-5, 2-0, 3-0, 5-0) + .5 = (-3.5, 2.5, 3.5, 5.5); ReLU and mean: 11.5 / 4 = 2.875.
  const ExitOutputs outputs = module.forward(image, false);
  ASSERT_EQ(outputs.logits.size(), 1U);
  EXPECT_TRUE(outputs.gates.empty());
  EXPECT_THAT(values(outputs.logits[0]), testing::ElementsAre(5.75, -1.875));
}

TEST(GraphModule, JoinsAndNormalisesVectors) {
  GraphBuilder b("join", {2, 1, 2}, 2);
  const NodeId flat = b.flatten("flatten", b.concat("maps", {b.input(), b.relu("relu", b.input())}));
  const NodeId joined = b.concat("join", {flat, b.layer_norm("norm", flat)});
  GraphModule module(b.finish(b.linear("fc", joined, 2)), 1);
  set(module, "fc.weight",
      {1, 10, 100, 1000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0});
  set(module, "fc.bias", {0, 0});
  const at::Tensor image = at::tensor(std::vector<float>{1, -1, 3, -3}).view({1, 2, 1, 2});
  // Joined maps: 1 -1 3 -3 1 0 3 0, mean .5, variance 30 / 8 - .25 = 3.5 (and 1e-5).
  const std::vector<float> logits = values(module.forward(image, false).logits[0]);
  const double deviation = std::sqrt(3.5 + 1e-5);
  EXPECT_NEAR(logits[0], 1 - 10 + 300 - 3000 + (2.5 + 0.5) / deviation, 1e-3);
  EXPECT_NEAR(logits[1], 0.5 / deviation, 1e-5);
}

TEST(GraphModule, PoolsAsItsAttributesSay) {
  GraphBuilder b("pools", {1, 3, 3}, 2);
  const PoolAttributes up = pool(2, 2, 0, true);
  const NodeId sum = b.add("add", b.max_pool("max", b.input(), up), b.avg_pool("avg", b.input(), up));
  const NodeId mixed = b.mixed_pool("mixed", sum, pool(2, 2));
  GraphModule module(b.finish(b.linear("fc", b.flatten("flatten", mixed), 2)), 1);
  set(module, "mixed.alpha", {0.25});
  set(module, "fc.weight", {1, 0});
  set(module, "fc.bias", {0, 0});
  // Rows 1 2 3 / 4 5 6 / 7 8 9, windows cut off at the edge: max 5 6 8 9, mean 3 4.5 7.5 9, sum 8 10.5 15.5 18.
  // Mixed: .25 * 18 + .75 * 13 = 14.25.
  const at::Tensor image = at::arange(1, 10, at::kFloat).view({1, 1, 3, 3});
  EXPECT_THAT(values(module.forward(image, false).logits[0]), testing::ElementsAre(14.25, 0));
}

TEST(GraphModule, BendsScalesAndPadsAsTheNodesSay) {
  GraphBuilder b("gated", {2, 1, 1}, 2);
  const NodeId leaky = b.leaky_relu("leaky", b.input(), 0.25);  // 2 and -1
  const NodeId hard = b.hard_sigmoid("hard", leaky);            // 5 / 6 and 1 / 3
  NodeId x = b.mul("scaled", b.pad("pad", leaky, {.top = 0, .left = 1, .bottom = 0, .right = 0}), hard);
  x = b.concat("all", {x, b.gelu("gelu", x), b.gelu("tanh", x, true), b.sigmoid("sigmoid", x)});
  GraphModule module(b.finish(b.linear("fc", b.flatten("flatten", x), 2)), 1);
  // Left and right pixel of two channels: scaled, then gelu, tanh, sigmoid of it.
  set(module, "fc.weight", {1, 1, 1, 1, 1, 0, 1, 0, 0, 0,  0, 0, 0, 0, 0, 0,  //
                            0, 0, 0, 0, 0, 1, 0, 0, 0, 10, 0, 0, 1, 0, 0, 100});
  set(module, "fc.bias", {0, 0});
  const at::Tensor image = at::tensor(std::vector<float>{2, -4}).view({1, 2, 1, 1});
  const std::vector<float> logits = values(module.forward(image, false).logits[0]);
  const double up = 5.0 / 3, down = -1.0 / 3;
  EXPECT_NEAR(logits[0], up + down, 1e-6);
  const double gelu = up / 2 * (1 + std::erf(up / std::sqrt(2.0)));
  const double tanh = up / 2 * (1 + std::tanh(0.79788456 * (up + 0.044715 * up * up * up)));
  EXPECT_NEAR(logits[1], gelu + 10 * tanh + 0.5 + 100 / (1 + std::exp(-down)), 1e-4);
}

TEST(GraphModule, NormalisationUsesTheBatchInTrainingAndItsStatisticsOtherwise) {
  GraphBuilder b("bn", {1, 1, 2}, 2);
  GraphModule module(b.finish(b.linear("fc", b.flatten("flatten", b.batch_norm("bn", b.input())), 2)), 1);
  set(module, "fc.weight", {1, 0, 0, 1});
  set(module, "fc.bias", {0, 0});
  const at::Tensor image = at::tensor(std::vector<float>{1, 5}).view({1, 1, 1, 2});
  // Mean 3, variance 4; unbiased 8 goes into the running value: .9 * 1 + .1 * 8.
  const std::vector<float> trained = values(module.forward(image, true).logits[0]);
  EXPECT_NEAR(trained[0], -1, 1e-5);
  EXPECT_NEAR(trained[1], 1, 1e-5);
  EXPECT_NEAR(module.export_tensors().at("bn.running_mean").floats()[0], 0.3, 1e-6);
  EXPECT_NEAR(module.export_tensors().at("bn.running_var").floats()[0], 1.7, 1e-6);
  EXPECT_NEAR(values(module.forward(image, false).logits[0])[1], 4.7 / std::sqrt(1.7), 1e-4);
  EXPECT_NEAR(module.export_tensors().at("bn.running_mean").floats()[0], 0.3, 1e-6);
}

TEST(GraphModule, HoldsExactlyTheParametersOfTheGraph) {
  const Graph graph = lenet_with_exit();
  const TensorMap tensors = GraphModule(graph, 1).export_tensors();
  ASSERT_EQ(tensors.size(), parameters(graph).size());
  for (const ParameterSpec& spec : parameters(graph)) EXPECT_EQ(tensors.at(spec.name).shape(), spec.shape) << spec.name;
}

TEST(GraphModule, TrunkStartsTheSameWithAndWithoutExits) {
  const Graph graph = lenet_with_exit();
  const TensorMap with = GraphModule(graph, 4).export_tensors();
  const TensorMap without = GraphModule(plain_backbone(graph), 4).export_tensors();
  const TensorMap other = GraphModule(graph, 5).export_tensors();
  ASSERT_FALSE(without.empty());
  for (const auto& [name, tensor] : without) {
    EXPECT_TRUE(std::ranges::equal(tensor.floats(), with.at(name).floats())) << name;
    EXPECT_FALSE(std::ranges::equal(tensor.floats(), other.at(name).floats())) << name;
  }
}

TEST(GraphModule, ConvolutionsStartWithTheVarianceOfKaiming) {
  GraphModule module(backbone_from_string("resnet8", {3, 32, 32}, 10), 1);
  const Tensor weight = module.export_tensors().at("layer3.0.conv2.weight");  // 64 x 64 x 3 x 3
  double squares = 0;
  for (const float w : weight.floats()) squares += static_cast<double>(w) * w;
  EXPECT_NEAR(squares / static_cast<double>(weight.elements()), 2.0 / (64 * 9), 1e-4);
}

TEST(GraphModule, GatesStartHalfOpen) {
  GraphModule module(lenet_with_exit(), 1);
  const ExitOutputs outputs = module.forward(at::randn({3, 1, 28, 28}), false);
  ASSERT_EQ(outputs.gates.size(), 1U);
  EXPECT_THAT(values(outputs.gates[0]), testing::ElementsAre(0, 0, 0));
  GraphModule biased(lenet_with_exit(), 1, {.bias = -2});
  EXPECT_THAT(values(biased.forward(at::randn({1, 1, 28, 28}), false).gates[0]), testing::ElementsAre(-2));
}

TEST(GraphModule, GateReadsFeaturesScoresAndBias) {
  GraphModule module(lenet_with_exit(), 1);
  set(module, gate_features_name(0), std::vector<float>(640, 0.01F));
  set(module, gate_scores_name(0), {1, 2, 3, 4});
  set(module, gate_bias_name(0), {0.5});
  at::manual_seed(1);
  const at::Tensor image = at::randn({1, 1, 28, 28});
  const ExitOutputs with = module.forward(image, false);
  set(module, gate_features_name(0), std::vector<float>(640, 0));
  const ExitOutputs without = module.forward(image, false);
  const std::vector<float> logits = values(without.logits[0]);
  std::array<float, 4> scores{};
  gate_scores(logits, scores);
  EXPECT_NEAR(values(without.gates[0])[0], 0.5 + scores[0] + 2 * scores[1] + 3 * scores[2] + 4 * scores[3], 1e-4);
  EXPECT_NE(values(with.gates[0])[0], values(without.gates[0])[0]);
}

TEST(GateScores, AgreeWithThePolicyRoomsScores) {
  Rng rng(3);
  for (const double scale : {0.0, 0.5, 5.0, 60.0}) {
    std::vector<float> logits(10);
    for (float& z : logits) z = static_cast<float>(scale * rng.normal());
    std::array<float, 4> expected{};
    gate_scores(logits, expected);
    const std::vector<float> got = values(gate_scores(at::tensor(logits).unsqueeze(0)));
    for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(got[i], expected[i], 2e-6) << scale << " score " << i;
  }
}

TEST(GateScores, SendNoGradientIntoTheirLogits) {
  GraphModule module(lenet_with_exit(), 1);
  set(module, gate_scores_name(0), {1, 2, 3, 4});
  module.forward(at::randn({2, 1, 28, 28}), false).gates[0].sum().backward();
  for (const GraphModule::Parameter& parameter : module.parameters()) {
    const bool gate = parameter.spec.name.find(".gate.") != std::string::npos;
    if (gate) {
      EXPECT_TRUE(parameter.value.grad().defined()) << parameter.spec.name;
    }
    // The last linear layer of the head is reached only through the scores.
    if (parameter.spec.exit == 0 && !gate && parameter.spec.node == module.graph().stages[0].exit.logits) {
      EXPECT_FALSE(parameter.value.grad().defined()) << parameter.spec.name;
    }
  }
}

TEST(GraphModule, MemoryOrderChangesNoAnswer) {
  at::manual_seed(2);
  const at::Tensor images = at::randn({3, 1, 28, 28});
  GraphModule module(lenet_with_exit(), 1);
  const std::vector<float> before = values(module.forward(images, false).logits[1]);
  module.place(at::kCPU, true);
  const std::vector<float> after =
      values(module.forward(images.contiguous(at::MemoryFormat::ChannelsLast), false).logits[1]);
  for (size_t i = 0; i < before.size(); ++i) EXPECT_NEAR(before[i], after[i], 1e-5);
}

// Few channels before a 1x1 convolution with a stride, padded or not, in both orders of memory: answers and gradients
// are those of LibTorch's own convolution.
TEST(GraphModule, StridesOverFewChannelsLearnInBothOrdersOfMemory) {
  for (const int64_t channels : {1, 3, 4, 6, 8, 12, 16, 20}) {
    for (const int64_t pad : {0, 1}) {
      GraphBuilder b("strides", {channels, 9, 9}, 2);
      const NodeId x = b.conv2d("conv", b.input(), conv(5, 1, 2, pad));
      const Graph graph = b.finish(b.linear("fc", b.global_avg_pool("pool", x), 2));
      at::manual_seed(3);
      const at::Tensor images = at::randn({64, channels, 9, 9});
      for (const bool channels_last : {false, true}) {
        GraphModule module(graph, 1);
        const auto value = [&](const std::string& name) {
          const auto at = std::ranges::find(module.parameters(), name, [](const auto& p) { return p.spec.name; });
          return at->value;
        };
        at::Tensor weight = value("conv.weight").detach().clone().set_requires_grad(true);
        const at::Tensor expected = at::linear(
            at::conv2d(images, weight, value("conv.bias").detach(), at::IntArrayRef{2, 2}, at::IntArrayRef{pad, pad})
                .mean({2, 3}),
            value("fc.weight").detach(), value("fc.bias").detach());
        expected.select(1, 0).sum().backward();
        module.place(at::kCPU, channels_last);
        const at::Tensor logits =
            module.forward(channels_last ? images.contiguous(at::MemoryFormat::ChannelsLast) : images, true).logits[0];
        logits.select(1, 0).sum().backward();
        EXPECT_TRUE(at::allclose(logits, expected, 1e-4, 1e-5)) << channels << " " << pad;
        EXPECT_TRUE(at::allclose(value("conv.weight").grad(), weight.grad(), 1e-4, 1e-4)) << channels << " " << pad;
      }
    }
  }
}

TEST(GraphModule, AutocastLeavesLogitsAndGatesInFullPrecision) {
  GraphModule module(lenet_with_exit(), 1);
  set(module, gate_scores_name(0), {1, 2, 3, 4});
  at::manual_seed(2);
  const at::Tensor images = at::randn({3, 1, 28, 28});
  const ExitOutputs full = module.forward(images, true);
  ExitOutputs half;
  {
    const AutocastRegion autocast({.bf16 = true});
    half = module.forward(images, true);
  }
  EXPECT_FALSE(at::autocast::is_autocast_enabled(at::kCPU));
  for (size_t k = 0; k < 2; ++k) {
    EXPECT_EQ(half.logits[k].scalar_type(), at::kFloat);
    const std::vector<float> a = values(full.logits[k]);
    const std::vector<float> b = values(half.logits[k]);
    EXPECT_NE(a, b);  // it did compute in bf16
    for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 0.05);
  }
  EXPECT_EQ(half.gates[0].scalar_type(), at::kFloat);
  half.gates[0].sum().backward();
}

TEST(GraphModule, RefusesTensorsOfAnotherNetwork) {
  GraphModule module(lenet_with_exit(), 1);
  TensorMap tensors = module.export_tensors();
  tensors.erase("conv2.weight");
  Error error = error_of([&] { module.import_tensors(tensors); });
  EXPECT_EQ(error.code(), Code::kDataLoss);
  EXPECT_THAT(error.what(), testing::HasSubstr("'conv2.weight' is missing"));
  tensors["conv2.weight"] = Tensor(DType::kF32, {1});
  EXPECT_THAT(error_of([&] { module.import_tensors(tensors); }).what(), testing::HasSubstr("expected F32 10x5x5x5"));
}

TEST(GraphModule, WrongInputIsAnErrorNotACrash) {
  GraphModule module(lenet_with_exit(), 1);
  EXPECT_EQ(error_of([&] { static_cast<void>(module.forward(at::zeros({1, 3, 28, 28}), false)); }).code(),
            Code::kInternal);
}

// Stage 0 frozen, the last exit learning: what crosses is the first stage's output, and going on from it gives the same
// answers, gradients and statistics.
TEST(GraphModule, GoesOnFromTheFrontierOfFrozenStages) {
  const Graph graph = build_network(
      {.backbone = "resnet8:w4", .exits = "fractions:.4", .head = "gap-fc", .gate = "none"}, {1, 12, 12}, 3);
  const LearningParts parts{.trunks = {false, true}, .heads = {false, true}};
  GraphModule whole(graph, 1), cut(graph, 1);
  EXPECT_THAT(whole.frontier(), testing::ElementsAre(0));
  at::manual_seed(2);
  const at::Tensor images = at::randn({4, 1, 12, 12});
  for (GraphModule* module : {&whole, &cut}) module->learn(parts);
  ASSERT_EQ(cut.frontier(), carry_set(graph, 0));
  const ExitOutputs a = whole.forward(images, true);
  const ExitOutputs b = cut.forward_from(cut.frontier_values(images));
  EXPECT_FALSE(a.logits[0].defined());
  EXPECT_EQ(values(a.logits[1]), values(b.logits[1]));
  a.logits[1].square().sum().backward();
  b.logits[1].square().sum().backward();
  for (size_t i = 0; i < whole.parameters().size(); ++i) {
    const GraphModule::Parameter &left = whole.parameters()[i], &right = cut.parameters()[i];
    EXPECT_EQ(values(left.value), values(right.value)) << left.spec.name;
    ASSERT_EQ(left.value.grad().defined(), right.value.grad().defined()) << left.spec.name;
    if (left.value.grad().defined()) {
      EXPECT_EQ(values(left.value.grad()), values(right.value.grad())) << left.spec.name;
    }
  }
  // Measuring looks at every exit all the same.
  EXPECT_TRUE(whole.forward(images, false).logits[0].defined());
}

// One weight w = 1 (decays), one bias b = 1 (does not): a 1x1 input of 1 into a linear layer of two outputs.
TEST(GradientNorms, AreOfWeightsThatLearnInTheNetworksOrder) {
  GraphBuilder b("norms", {1, 1, 2}, 2);
  const NodeId x = b.conv2d("conv", b.input(), conv(1, 1));
  GraphModule module(b.finish(b.linear("fc", b.flatten("flatten", x), 2)), 1);
  set(module, "conv.weight", {2});
  set(module, "conv.bias", {0});
  set(module, "fc.weight", {1, 0, 0, 1});
  EXPECT_TRUE(gradient_norms(module).empty());
  const at::Tensor image = at::tensor(std::vector<float>{3, -4}).view({1, 1, 1, 2});
  // Of the sum of both logits: d/dw of the convolution is 3 - 4; of the linear layer each row is (6, -8).
  module.forward(image, true).logits[0].sum().backward();
  const auto norms = gradient_norms(module);
  ASSERT_EQ(norms.size(), 2U);
  EXPECT_EQ(norms[0].first, "conv.weight");
  EXPECT_NEAR(norms[0].second, 1, 1e-6);
  EXPECT_EQ(norms[1].first, "fc.weight");
  EXPECT_NEAR(norms[1].second, std::sqrt(200.0), 1e-4);
}

TEST(Sgd, TakesTheStepsWorkedByHand) {
  GraphBuilder b("one", {1, 1, 1}, 2);
  GraphModule module(b.finish(b.linear("fc", b.flatten("flatten", b.input()), 2)), 1);
  set(module, "fc.weight", {1, 1});
  set(module, "fc.bias", {1, 1});
  Sgd sgd(module, {.momentum = 0.5, .nesterov = true, .weight_decay = 0.1});
  const auto step = [&] {
    sgd.clear_gradients();
    module.forward(at::ones({1, 1, 1, 1}), true).logits[0].sum().backward();  // every gradient is 1
    sgd.step(0.1);
  };
  step();
  // Bias: b = 1, moves by .1 * (1 + .5). Weight: g = 1.1, moves by .1 * 1.65.
  EXPECT_NEAR(module.export_tensors().at("fc.bias").floats()[0], 0.85, 1e-6);
  EXPECT_NEAR(module.export_tensors().at("fc.weight").floats()[0], 0.835, 1e-6);
  step();
  // Bias: b = 1.5, moves by .1 * (1 + .75). Weight: g = 1.0835, b = 1.6335, moves by .1 * 1.90025.
  EXPECT_NEAR(module.export_tensors().at("fc.bias").floats()[0], 0.675, 1e-6);
  EXPECT_NEAR(module.export_tensors().at("fc.weight").floats()[0], 0.644975, 1e-6);
}

TEST(Sgd, LeavesParametersWithoutGradientAlone) {
  GraphModule module(lenet_with_exit(), 1, {.bias = 0.25});
  Sgd sgd(module, {});
  module.forward(at::randn({2, 1, 28, 28}), true).logits[0].sum().backward();
  const TensorMap before = module.export_tensors();
  sgd.step(0.1);
  const TensorMap after = module.export_tensors();
  EXPECT_TRUE(std::ranges::equal(before.at("fc1.weight").floats(), after.at("fc1.weight").floats()));
  EXPECT_EQ(after.at(gate_bias_name(0)).floats()[0], 0.25F);
  EXPECT_FALSE(std::ranges::equal(before.at("conv1.weight").floats(), after.at("conv1.weight").floats()));
}

TEST(Sgd, RefusesBuffersOfAnotherNetwork) {
  GraphModule module(lenet_with_exit(), 1);
  Sgd sgd(module, {});
  TensorMap buffers = sgd.export_buffers();
  sgd.import_buffers(buffers);
  buffers.erase("fc1.bias");
  EXPECT_EQ(error_of([&] { sgd.import_buffers(buffers); }).code(), Code::kDataLoss);
}

// A 1x1 input, two features out: the step holds at least the input, the values and gradients of weight, bias and
// logits; and less when the batch is smaller.
TEST(StepMemory, CountsWhatAStepHolds) {
  GraphBuilder b("one", {8, 4, 4}, 2);
  const Graph graph = b.finish(b.linear("fc", b.flatten("flatten", b.input()), 2));
  const int64_t small = joint_step_bytes(graph, {}, 16), large = joint_step_bytes(graph, {}, 64);
  // Gradients: 256 weights and 2 biases; logits and their gradient.
  EXPECT_GE(small, 4 * (256 + 2 + 2 * 16));
  EXPECT_GE(large - small, 4 * 2 * 48);
  const StepMemory memory;
  EXPECT_EQ(memory.peak_bytes(), 0);
  { const at::Tensor held = at::empty({1000}, at::kFloat); }
  { const at::Tensor held = at::empty({500}, at::kFloat); }
  EXPECT_GE(memory.peak_bytes(), 4000);
  EXPECT_LT(memory.peak_bytes(), 6000);
}

TEST(StepMemory, CountsAWholeStep) {
  const Graph graph = lenet_with_exit();
  constexpr int64_t kImages = 48;
  GraphModule module(graph, 1);
  const at::Tensor images = at::zeros({kImages, 1, 28, 28}), labels = at::zeros({kImages}, at::kLong);
  const StepMemory memory;
  const ExitOutputs outputs = module.forward(images, true);
  weighted_loss(outputs, labels, {1, 1}, {}).total.backward();
  const auto whole = static_cast<double>(memory.peak_bytes());
  EXPECT_NEAR(static_cast<double>(joint_step_bytes(graph, {}, kImages)), whole, 0.02 * whole);
}

TEST(ComputeMode, RefusesCudaWhereThereIsNoneAndSaysWhatIsMissing) {
  if (at::getNumGPUs() > 0) GTEST_SKIP() << "there is a GPU";
  const Graph graph = lenet_with_exit();
  const Error error = error_of([&] { choose_compute_mode({.device = "cuda"}, graph); });
  EXPECT_EQ(error.code(), Code::kFailedPrecondition);
  EXPECT_THAT(error.what(), testing::HasSubstr("--device cpu"));
  EXPECT_FALSE(choose_compute_mode({.device = "auto"}, graph).cuda());
}

TEST(ComputeMode, KeepsWhatWasAskedFor) {
  const Graph graph = lenet_with_exit();
  const ComputeMode mode =
      choose_compute_mode({.device = "cpu", .precision = "fp32", .channels_last = "on", .threads = 3}, graph);
  EXPECT_EQ(to_string(mode), "cpu, 3 threads, fp32, channels-last");
}

// 1 to 9 in three rows, windows of 2 that reach one beyond the end, or begin one before the beginning.
TEST(GraphModule, PoolsPadTheirEndOtherwiseWhereTheySaySo) {
  const auto answer = [](OpKind op, int64_t pad, int64_t end_pad, int64_t kernel, bool counts) {
    GraphBuilder b("pooling", {1, 3, 3}, 9);
    PoolAttributes a = pool(kernel, 1, pad);
    if (end_pad != pad) a.end_pad_h = a.end_pad_w = end_pad;
    a.count_include_pad = counts;
    const NodeId x = b.append({op, "pool", {0}, a});
    const int64_t places = element_count(b.shape(x));
    GraphBuilder whole("pooling", {1, 3, 3}, places);
    whole.append({op, "pool", {0}, a});
    GraphModule module(whole.finish(whole.linear("fc", whole.flatten("flatten", 1), places, false)), 1);
    TensorMap identity;
    identity["fc.weight"] = Tensor(DType::kF32, {places, places});
    for (int64_t i = 0; i < places; ++i) identity["fc.weight"].floats()[static_cast<size_t>(i * places + i)] = 1;
    module.import_tensors(identity);
    const at::Tensor logits = module.forward(at::arange(1, 10, at::kFloat).view({1, 1, 3, 3}), false).logits[0];
    return std::vector<float>(logits.data_ptr<float>(), logits.data_ptr<float>() + places);
  };
  using testing::ElementsAre;
  EXPECT_THAT(answer(OpKind::kMaxPool, 0, 1, 2, false), ElementsAre(5, 6, 6, 8, 9, 9, 8, 9, 9));
  EXPECT_THAT(answer(OpKind::kAvgPool, 0, 1, 2, false), ElementsAre(3, 4, 4.5F, 6, 7, 7.5F, 7.5F, 8.5F, 9));
  EXPECT_THAT(answer(OpKind::kMaxPool, 1, 0, 2, false), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9));
  EXPECT_THAT(answer(OpKind::kAvgPool, 1, 0, 2, false), ElementsAre(1, 1.5F, 2.5F, 2.5F, 3, 4, 5.5F, 6, 7));
  // Two of padding around windows of three: more than half of one.
  EXPECT_EQ(answer(OpKind::kMaxPool, 2, 2, 3, false),
            (std::vector<float>{1, 2, 3, 3, 3, 4, 5, 6, 6, 6, 7, 8, 9, 9, 9, 7, 8, 9, 9, 9, 7, 8, 9, 9, 9}));
  const std::vector<float> counted = answer(OpKind::kAvgPool, 2, 2, 3, true);
  EXPECT_FLOAT_EQ(counted[0], 1.0F / 9);
  EXPECT_FLOAT_EQ(counted[12], 5);
}

// Channels at the first exit: the head's gradient reaches the first half alone, that of later exits the rest.
TEST(GraphModule, PrivateChannelsLearnFromTheirExitAlone) {
  GraphBuilder b("parts", {1, 6, 6}, 3);
  NodeId x = b.conv2d("conv1", b.input(), conv(4, 3, 1, 1));
  x = b.conv2d("conv2", x, conv(5, 3, 1, 1));
  const Graph plain = b.finish(b.linear("fc", b.global_avg_pool("gap", x), 3));
  GraphModule module(attach_exits(plain, {{"conv1", head_from_string("gap-fc"), std::nullopt}}), 1);
  const at::Tensor images = at::randn({2, 1, 6, 6});
  const auto gradient = [&](size_t exit, double share) {
    module.learn({.private_share = share});
    module.forward(images, true).logits[exit].square().sum().backward();
    for (GraphModule::Parameter& parameter : module.parameters()) {
      if (parameter.spec.name != "conv1.bias") continue;
      std::vector<bool> reached;
      for (int64_t c = 0; c < 4; ++c) reached.push_back(parameter.value.grad()[c].item<double>() != 0);
      return reached;
    }
    return std::vector<bool>{};
  };
  EXPECT_THAT(gradient(0, 0.5), testing::ElementsAre(true, true, false, false));
  EXPECT_THAT(gradient(1, 0.5), testing::ElementsAre(false, false, true, true));
  EXPECT_THAT(gradient(0, 0), testing::Each(true));
  EXPECT_THAT(gradient(1, 0), testing::Each(true));
  // What is computed is the same.
  const at::Tensor all = module.forward(images, true).logits[1];
  module.learn({.private_share = 0.5});
  EXPECT_TRUE(at::equal(module.forward(images, true).logits[1], all));
}

TEST(GraphModule, SummedAnswersTakeThoseBeforeAsGiven) {
  GraphBuilder b("sums", {1, 6, 6}, 3);
  const NodeId x = b.conv2d("conv1", b.input(), conv(4, 3, 1, 1));
  const Graph plain = b.finish(b.linear("fc", b.global_avg_pool("gap", b.relu("relu", x)), 3));
  GraphModule module(attach_exits(plain, {{"conv1", head_from_string("gap-fc"), std::nullopt}}), 1);
  const at::Tensor images = at::randn({2, 1, 6, 6});
  const ExitOutputs own = module.forward(images, true);
  module.sum_answers();
  const ExitOutputs summed = module.forward(images, true);
  EXPECT_TRUE(at::equal(summed.logits[0], own.logits[0]));
  EXPECT_TRUE(at::equal(summed.logits[1], own.logits[1] + own.logits[0]));
  summed.logits[1].sum().backward();
  for (const GraphModule::Parameter& parameter : module.parameters()) {
    EXPECT_EQ(parameter.value.grad().defined(), !parameter.spec.name.starts_with("exits.")) << parameter.spec.name;
  }
}

}  // namespace
}  // namespace sooner
