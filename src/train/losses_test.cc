#include "train/losses.h"

#include <gtest/gtest.h>

#include <cmath>

#include "graph/cost.h"
#include "graph/graph_builder.h"
#include "policy/cost_weights.h"
#include "support/error_of.h"
#include "zoo/heads.h"

namespace sooner {
namespace {

double sigmoid(double a) { return 1 / (1 + std::exp(-a)); }
double value(const at::Tensor& tensor) { return tensor.item<double>(); }
at::Tensor floats(std::vector<float> values) { return at::tensor(values); }
at::Tensor label(int64_t y) { return at::tensor(std::vector<int64_t>{y}); }

// Three exits, two classes, one sample, label 0: p_k[0] = sigmoid(d_k) for logits (d_k, 0).
struct ThreeExits {
  double d[3] = {0.4, 1.0, -0.5};
  double a[2] = {-0.3, 0.8};
  double cost[3] = {0.25, 0.5, 1.25};
  ExitOutputs outputs;

  ThreeExits() {
    for (const double each : d) {
      outputs.logits.push_back(floats({static_cast<float>(each), 0}).unsqueeze(0).requires_grad_(true));
    }
    for (const double each : a) outputs.gates.push_back(floats({static_cast<float>(each)}).requires_grad_(true));
  }
  [[nodiscard]] double p(int k) const { return sigmoid(d[k]); }
  [[nodiscard]] double g(int k) const { return k == 2 ? 1 : sigmoid(a[k]); }
  [[nodiscard]] double s(int k) const { return k == 2 ? p(2) : g(k) * p(k) + (1 - g(k)) * s(k + 1); }
  [[nodiscard]] double q(int k) const { return k == 2 ? cost[2] : g(k) * cost[k] + (1 - g(k)) * q(k + 1); }
  // Probability of coming to exit k.
  [[nodiscard]] double reach(int k) const { return k == 0 ? 1 : reach(k - 1) * (1 - g(k - 1)); }
};

TEST(WeightedLoss, IsTheWeightedSumOfCrossEntropies) {
  const ThreeExits net;
  const Loss loss = weighted_loss(net.outputs, label(0), {0.5, 2, 1}, {});
  const double ce[3] = {-std::log(net.p(0)), -std::log(net.p(1)), -std::log(net.p(2))};
  EXPECT_NEAR(value(loss.total), 0.5 * ce[0] + 2 * ce[1] + ce[2], 1e-6);
  for (size_t k = 0; k < 3; ++k) EXPECT_NEAR(value(loss.exit_losses[k]), ce[k], 1e-6);
  EXPECT_FALSE(loss.mixture.defined());
}

TEST(AtCostWeight, ShiftsGatesAndPassesTheGradientOn) {
  ThreeExits net;
  net.outputs.gate_shifts = {floats({2, 0.5}).requires_grad_(true), floats({-1, 0}).requires_grad_(true)};
  const ExitOutputs shifted = at_cost_weight(net.outputs, -0.5);
  EXPECT_NEAR(value(shifted.gates[0]), -0.3 - 1 + 0.125, 1e-6);
  EXPECT_NEAR(value(shifted.gates[1]), 0.8 + 0.5, 1e-6);
  (shifted.gates[0] + shifted.gates[1]).sum().backward();
  EXPECT_NEAR(value(net.outputs.gate_shifts[0].grad()[0]), -0.5, 1e-6);
  EXPECT_NEAR(value(net.outputs.gate_shifts[0].grad()[1]), 0.25, 1e-6);
}

TEST(AtCostWeight, KeepsShiftsWithinWhatAModelMayHold) {
  ThreeExits net;
  net.outputs.gate_shifts = {floats({80, 0}), floats({0, -70})};
  const ExitOutputs shifted = at_cost_weight(net.outputs, 1);
  EXPECT_NEAR(value(shifted.gates[0]), -0.3 + kLargestGateShift, 1e-4);
  EXPECT_NEAR(value(shifted.gates[1]), 0.8 - kLargestGateShift, 1e-4);
}

TEST(WeightedLoss, LabelSmoothingSpreadsTheLabel) {
  const ThreeExits net;
  const Loss loss = weighted_loss(net.outputs, label(0), {0, 0, 1}, {.smoothing = 0.2});
  // Targets .9 and .1.
  EXPECT_NEAR(value(loss.total), -0.9 * std::log(net.p(2)) - 0.1 * std::log(1 - net.p(2)), 1e-6);
}

TEST(JointWeights, FollowTheirRule) {
  EXPECT_EQ(joint_weights({"uniform", {}}, 3), (std::vector<double>{1, 1, 1}));
  EXPECT_EQ(joint_weights({"decreasing", {}}, 4), (std::vector<double>{1, 0.75, 0.5, 1}));
  EXPECT_EQ(joint_weights({"increasing", {}}, 4), (std::vector<double>{0.25, 0.5, 0.75, 1}));
  EXPECT_EQ(joint_weights({"", {3, 4}}, 3), (std::vector<double>{3, 4, 1}));
  EXPECT_EQ(joint_weights({"uniform", {}}, 1), (std::vector<double>{1}));
  EXPECT_EQ(error_of([] { joint_weights({"", {3, 4}}, 2); }).code(), Code::kInvalidArgument);
}

TEST(DifferentiableLoss, HasTheValueWorkedByHand) {
  const ThreeExits net;
  const Loss loss = differentiable_loss(net.outputs, label(0),
                                        {.cost_weight = 0.5,
                                         .last_weight = 0.75,
                                         .aux_weight = 0.3,
                                         .exit_cost = {net.cost[0], net.cost[1], net.cost[2]}});
  EXPECT_NEAR(value(loss.mixture), -std::log(net.s(0)), 1e-6);
  EXPECT_NEAR(value(loss.soft_cost), net.q(0), 1e-6);
  EXPECT_NEAR(value(loss.total),
              -std::log(net.s(0)) - 0.75 * std::log(net.p(2)) - 0.3 * std::log(net.p(0)) - 0.3 * std::log(net.p(1)) +
                  0.5 * net.q(0),
              1e-6);
}

TEST(DifferentiableLoss, MixesLogitsWhenAsked) {
  const ThreeExits net;
  const Loss loss = differentiable_loss(
      net.outputs, label(0),
      {.mix_logits = true, .cost_weight = 0, .last_weight = 0, .aux_weight = 0, .exit_cost = {0, 0, 0}});
  const double inner = net.g(1) * net.d[1] + (1 - net.g(1)) * net.d[2];
  EXPECT_NEAR(value(loss.total), -std::log(sigmoid(net.g(0) * net.d[0] + (1 - net.g(0)) * inner)), 1e-6);
}

// With P_k the probability of coming to exit k: dS_1/dp_k = w_k = P_k g_k and dS_1/dg_k = P_k (p_k - S_{k+1}).
TEST(DifferentiableLoss, MixtureGradientsAreTheAnalyticOnes) {
  const ThreeExits net;
  mixture_log_likelihood(net.outputs, label(0)).sum().backward();
  for (int k = 0; k < 3; ++k) {
    const double ds_dp = net.reach(k) * net.g(k);
    const double dp_dz = net.p(k) * (1 - net.p(k));
    const at::Tensor gradient = net.outputs.logits[static_cast<size_t>(k)].grad();
    EXPECT_NEAR(value(gradient[0][0]), ds_dp * dp_dz / net.s(0), 1e-6) << k;
    EXPECT_NEAR(value(gradient[0][1]), -ds_dp * dp_dz / net.s(0), 1e-6) << k;
    if (k == 2) continue;
    const double ds_dg = net.reach(k) * (net.p(k) - net.s(k + 1));
    EXPECT_NEAR(value(net.outputs.gates[static_cast<size_t>(k)].grad()[0]),
                ds_dg * net.g(k) * (1 - net.g(k)) / net.s(0), 1e-6)
        << k;
  }
}

// dQ_1/dg_k = P_k (C_k - Q_{k+1}).
TEST(DifferentiableLoss, CostGradientsAreTheAnalyticOnes) {
  const ThreeExits net;
  soft_cost(net.outputs, {net.cost[0], net.cost[1], net.cost[2]}).sum().backward();
  for (int k = 0; k < 2; ++k) {
    EXPECT_NEAR(value(net.outputs.gates[static_cast<size_t>(k)].grad()[0]),
                net.reach(k) * (net.cost[k] - net.q(k + 1)) * net.g(k) * (1 - net.g(k)), 1e-6)
        << k;
  }
}

TEST(DifferentiableLoss, ShutGatesAndFarApartLogitsStayFinite) {
  for (const float gate : {-1000.0F, -90.0F, 0.0F, 90.0F, 1000.0F}) {
    for (const bool mix_logits : {false, true}) {
      ExitOutputs outputs;
      // Every exit is sure of the wrong class: gap 120, where the probability of the right one is 0 in fp32.
      for (int k = 0; k < 3; ++k) outputs.logits.push_back(floats({0, 120}).unsqueeze(0).requires_grad_(true));
      outputs.gates = {floats({gate}).requires_grad_(true), floats({-gate}).requires_grad_(true)};
      const Loss loss =
          differentiable_loss(outputs, label(0), {.mix_logits = mix_logits, .exit_cost = {0.3, 0.6, 1.1}});
      loss.total.backward();
      EXPECT_NEAR(value(loss.mixture), 120, 1e-3) << gate;
      for (const auto& tensors : {outputs.logits, outputs.gates}) {
        for (const at::Tensor& tensor : tensors) EXPECT_TRUE(tensor.grad().isfinite().all().item<bool>()) << gate;
      }
    }
  }
}

TEST(DifferentiableLoss, TakesHalfPrecisionAndComputesInFull) {
  ThreeExits net;
  ExitOutputs half;
  for (const at::Tensor& t : net.outputs.logits)
    half.logits.push_back(t.detach().to(at::kBFloat16).requires_grad_(true));
  for (const at::Tensor& t : net.outputs.gates) half.gates.push_back(t.detach().to(at::kBFloat16).requires_grad_(true));
  const DifferentiableOptions options{.exit_cost = {0.3, 0.6, 1.1}};
  const Loss loss = differentiable_loss(half, label(0), options);
  EXPECT_EQ(loss.total.scalar_type(), at::kFloat);
  loss.total.backward();
  EXPECT_TRUE(half.gates[0].grad().isfinite().all().item<bool>());
  // bf16 keeps 8 bits: inputs below 2 are off by at most 2^-8.
  EXPECT_NEAR(value(loss.total), value(differentiable_loss(net.outputs, label(0), options).total), 0.03);
}

// Costs count for .5 a unit: exit 0 would cost -ln p_0 + .125, exit 1 -ln p_1 + .25, the last -ln p_2 + .625.
TEST(AssignedLoss, HasTheValueWorkedByHand) {
  const ThreeExits net;
  const DifferentiableOptions options{
      .cost_weight = 0.5, .last_weight = 0.75, .aux_weight = 0.3, .exit_cost = {net.cost[0], net.cost[1], net.cost[2]}};
  const double ce[3] = {-std::log(net.p(0)), -std::log(net.p(1)), -std::log(net.p(2))};
  // .513 + .125 against .313 + .25: exit 1 is chosen, so gate 0 should be shut and gate 1 open. With a single answer in
  // the batch each gate's loss weighs one half.
  const Loss loss = assigned_loss(net.outputs, label(0), options);
  EXPECT_NEAR(value(loss.mixture), ce[1], 1e-6);
  EXPECT_NEAR(value(loss.soft_cost), net.q(0), 1e-6);
  EXPECT_NEAR(value(loss.total),
              ce[1] + 0.75 * ce[2] + 0.3 * (ce[0] + ce[1]) - 0.5 * std::log(1 - net.g(0)) - 0.5 * std::log(net.g(1)),
              1e-6);
  loss.total.backward();
  // d/da of -ln(1 - g) / 2 is g / 2, of -ln(g) / 2 is (g - 1) / 2.
  EXPECT_NEAR(value(net.outputs.gates[0].grad()[0]), net.g(0) / 2, 1e-6);
  EXPECT_NEAR(value(net.outputs.gates[1].grad()[0]), (net.g(1) - 1) / 2, 1e-6);
}

// Three samples for which the gate should open, one for which it should not: both answers weigh one half in sum.
TEST(AssignedLoss, BalancesTheAnswersOfAGate) {
  ExitOutputs outputs;
  outputs.logits = {at::tensor(std::vector<float>{9, 0, 9, 0, 9, 0, 0, 9}).view({4, 2}),
                    at::tensor(std::vector<float>{8, 0, 8, 0, 8, 0, 8, 0}).view({4, 2})};
  outputs.gates = {floats({1, 1, 1, 1}).requires_grad_(true)};
  const Loss loss = assigned_loss(outputs, at::zeros({4}, at::kLong),
                                  {.cost_weight = 0, .last_weight = 0, .aux_weight = 0, .exit_cost = {0.5, 1}});
  loss.total.backward();
  const double g = sigmoid(1);
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(value(outputs.gates[0].grad()[i]), (g - 1) / 6, 1e-6);
  EXPECT_NEAR(value(outputs.gates[0].grad()[3]), g / 2, 1e-6);
}

TEST(GumbelLoss, TakesTheFirstOpenGateAndTheGradientOfTheSoftOne) {
  const ThreeExits net;
  const DifferentiableOptions options{
      .cost_weight = 0.5, .last_weight = 0.75, .aux_weight = 0.3, .exit_cost = {net.cost[0], net.cost[1], net.cost[2]}};
  const double ce[3] = {-std::log(net.p(0)), -std::log(net.p(1)), -std::log(net.p(2))};
  // a = (-.3, .8), noise (.1, -.2): gate 0 is shut, gate 1 open.
  const Loss loss = gumbel_loss(net.outputs, label(0), options, floats({0.1F, -0.2F}).unsqueeze(0), 2);
  EXPECT_NEAR(value(loss.mixture), ce[1], 1e-6);
  EXPECT_NEAR(value(loss.soft_cost), net.cost[1], 1e-6);
  EXPECT_NEAR(value(loss.total), ce[1] + 0.5 * net.cost[1] + 0.75 * ce[2] + 0.3 * (ce[0] + ce[1]), 1e-6);
  loss.total.backward();
  // Gate k's value g_k stands in g_k (L_k - L_{k+1}) with L of what follows; dg/da = s (1 - s) / T of s at (a + noise)
  // / T.
  const double s0 = sigmoid(-0.2 / 2), s1 = sigmoid(0.6 / 2);
  const double behind0 = ce[0] - ce[1] + 0.5 * (net.cost[0] - net.cost[1]);
  const double behind1 = ce[1] - ce[2] + 0.5 * (net.cost[1] - net.cost[2]);
  EXPECT_NEAR(value(net.outputs.gates[0].grad()[0]), s0 * (1 - s0) / 2 * behind0, 1e-6);
  EXPECT_NEAR(value(net.outputs.gates[1].grad()[0]), s1 * (1 - s1) / 2 * behind1, 1e-6);
}

// Each level k < K adds -log S_k + cost_weight Q_k.
TEST(DifferentiableLoss, EveryLevelAddsItsOwnMixtureAndCost) {
  const ThreeExits net;
  const Loss loss = differentiable_loss(net.outputs, label(0),
                                        {.every_level = true,
                                         .cost_weight = 0.5,
                                         .last_weight = 0,
                                         .aux_weight = 0,
                                         .exit_cost = {net.cost[0], net.cost[1], net.cost[2]}});
  EXPECT_NEAR(value(loss.total), -std::log(net.s(0)) + 0.5 * net.q(0) - std::log(net.s(1)) + 0.5 * net.q(1), 1e-6);
  EXPECT_NEAR(value(loss.mixture), -std::log(net.s(0)), 1e-6);
}

TEST(Losses, ClassWeightsMakeWeightedMeans) {
  ExitOutputs outputs;
  outputs.logits = {at::tensor(std::vector<float>{1, 0, 2, 0}).view({2, 2}),
                    at::tensor(std::vector<float>{0, 1, 0, 3}).view({2, 2})};
  outputs.gates = {floats({0, 0})};
  const at::Tensor labels = at::tensor(std::vector<int64_t>{0, 1});
  const Targets targets{.class_weights = {0.5, 1.5}};
  const auto nll = [](double d) { return std::log1p(std::exp(-d)); };
  const double first = (0.5 * nll(1) + 1.5 * nll(-2)) / 2, last = (0.5 * nll(-1) + 1.5 * nll(3)) / 2;
  EXPECT_NEAR(value(weighted_loss(outputs, labels, {1, 2}, targets).total), first + 2 * last, 1e-6);
  // Gates of 1/2: the label's probability is the mean of both exits'.
  const auto mixed = [&](double a, double b) { return -std::log((std::exp(-nll(a)) + std::exp(-nll(b))) / 2); };
  EXPECT_NEAR(value(differentiable_loss(outputs, labels, {.targets = targets, .exit_cost = {0, 0}}).mixture),
              (0.5 * mixed(1, -1) + 1.5 * mixed(-2, 3)) / 2, 1e-6);
}

TEST(ClassWeights, FollowTheirFormulas) {
  const std::vector<int64_t> counts{8, 2};
  EXPECT_TRUE(class_weights("none", counts, 0.9).empty());
  // 1/8 and 1/2, brought to mean 1.
  EXPECT_EQ(class_weights("inverse", counts, 0.9), (std::vector<double>{0.4, 1.6}));
  // beta .5: .5 / (1 - 2^-8) and .5 / (1 - 2^-2), that is 128/255 and 2/3; mean 298/510.
  const std::vector<double> effective = class_weights("effective", counts, 0.5);
  EXPECT_NEAR(effective[0], 256.0 / 298, 1e-12);
  EXPECT_NEAR(effective[1], 340.0 / 298, 1e-12);
  EXPECT_NEAR(class_weights("effective", counts, 0)[1], 1, 1e-12);
}

// Whole chain: images through convolution, normalisation and gates into the loss, against central differences.
TEST(DifferentiableLoss, GradientsOfATinyNetworkMatchFiniteDifferences) {
  GraphBuilder b("tiny", {1, 4, 4}, 3);
  NodeId x = b.conv2d("conv1", b.input(), conv(2, 3, 1, 1));
  x = b.batch_norm("bn1", x);
  x = b.conv2d("conv2", x, conv(3, 3, 2, 1));
  const Graph plain = b.finish(b.linear("fc", b.global_avg_pool("gap", x), 3));
  // Scores carry no gradient, so a gate that reads them would differ from finite differences by design.
  const Graph graph =
      attach_exits(plain, {{"bn1", head_from_string("gap-fc"), Gate{.features = true, .scores = false}}});
  GraphModule module(graph, 3);
  at::manual_seed(5);
  for (GraphModule::Parameter& parameter : module.parameters()) {
    const at::NoGradGuard no_grad;
    if (parameter.spec.trainable()) parameter.value.add_(at::randn_like(parameter.value) * 0.3);
  }
  const at::Tensor images = at::randn({4, 1, 4, 4});
  const at::Tensor labels = at::tensor(std::vector<int64_t>{0, 1, 2, 1});
  const auto total = [&] {
    return differentiable_loss(module.forward(images, true), labels,
                               {.cost_weight = 0.5, .exit_cost = compute_cost(graph).exit_fraction})
        .total;
  };
  total().backward();
  constexpr double kStep = 5e-3;
  int checked = 0;
  for (GraphModule::Parameter& parameter : module.parameters()) {
    if (!parameter.spec.trainable()) continue;
    const at::Tensor flat = parameter.value.detach().view({-1});
    for (int64_t i = 0; i < flat.numel(); ++i) {
      const float kept = flat[i].item<float>();
      const auto loss_at = [&](double moved) {
        const at::NoGradGuard no_grad;
        flat[i] = moved;
        return value(total());
      };
      const double slope = (loss_at(kept + kStep) - loss_at(kept - kStep)) / (2 * kStep);
      static_cast<void>(loss_at(kept));
      // fp32 losses near 3 are good to about 1e-6, so slopes to 1e-6 / 5e-3, and the curvature adds its part.
      EXPECT_NEAR(value(parameter.value.grad().view({-1})[i]), slope, 2e-3 + 0.01 * std::abs(slope))
          << parameter.spec.name << "[" << i << "]";
      ++checked;
    }
  }
  EXPECT_GT(checked, 80);
}

// Two samples of a regression: z - t is 1/2 and -3.
TEST(WeightedLoss, OfNumbersIsTheSmoothL1OfStandardisedTargets) {
  const Targets targets{.standard = Standard{.mean = 10, .std = 4}};
  ExitOutputs outputs;
  outputs.logits = {floats({1.5F, -1}).unsqueeze(1).requires_grad_(true), floats({1, 2}).unsqueeze(1)};
  outputs.gates.resize(1);
  const at::Tensor truth = floats({1, 2});
  const Loss loss = weighted_loss(outputs, truth, {2, 1}, targets);
  EXPECT_NEAR(value(loss.exit_losses[0]), (0.125 + 2.5) / 2, 1e-6);
  EXPECT_EQ(value(loss.exit_losses[1]), 0);
  EXPECT_NEAR(value(loss.total), 2 * (0.125 + 2.5) / 2, 1e-6);
  loss.total.backward();
  EXPECT_NEAR(value(outputs.logits[0].grad()[0][0]), 0.5, 1e-6) << "2/2 of z - t within 1";
  EXPECT_NEAR(value(outputs.logits[0].grad()[1][0]), -1, 1e-6) << "and of its sign beyond";
  const at::Tensor qualities = answer_qualities(outputs.logits[0], truth, targets);
  EXPECT_NEAR(value(qualities[0]), -2, 1e-6) << "half a deviation of 4";
  EXPECT_NEAR(value(qualities[1]), -12, 1e-6);
}

}  // namespace
}  // namespace sooner
