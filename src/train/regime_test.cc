#include "train/regime.h"
#include "recipe/regime_kind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "graph/parameters.h"
#include "recipe/train_config.h"
#include "support/error_of.h"
#include "train/graph_module.h"
#include "train/losses.h"
#include "train/sgd.h"
#include "train/torch_tensors.h"

namespace sooner {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

double value(const at::Tensor& tensor) { return tensor.item<double>(); }

// A regime as a configuration makes it, for a network of three stages with normalisation in trunk and heads.
class Made {
 public:
  explicit Made(const std::string& regime, int64_t epochs = 10, std::vector<std::string> more = {},
                bool started = false)
      : config_(parse_config("", "test", with(std::move(more), "train.regime=" + regime))),
        graph_(build_network(
            {"resnet8:w4", "fractions:.3,.65", "conv-gap-fc:8", config_.network.gate, config_.network.cascade},
            {1, 12, 12}, 3)) {
    regime_ = make_regime(regime, {.graph = graph_,
                                   .exit_cost = {0.25, 0.5, 1.25},
                                   .epochs = epochs,
                                   .started = started,
                                   .settings = config_.regimes});
  }
  Regime* operator->() const { return regime_.get(); }
  [[nodiscard]] const Graph& graph() const { return graph_; }

 private:
  static std::vector<std::string> with(std::vector<std::string> words, const std::string& word) {
    words.push_back(word);
    return words;
  }
  TrainConfig config_;
  Graph graph_;
  std::unique_ptr<Regime> regime_;
};

// Three exits, two classes, one sample with label 0: p_k[0] = sigmoid(d_k) for logits (d_k, 0).
struct Outputs {
  std::array<double, 3> d{0.4, 1.0, -0.5};
  ExitOutputs outputs;
  at::Tensor label = at::zeros({1}, at::kLong);

  Outputs() {
    for (const double each : d) {
      outputs.logits.push_back(
          at::tensor(std::vector<float>{static_cast<float>(each), 0}).unsqueeze(0).requires_grad_(true));
    }
    outputs.gates.resize(2);
  }
  [[nodiscard]] double ce(size_t k) const { return std::log1p(std::exp(-d[k])); }
};

TEST(Regimes, EpochsOfTheirPhasesAddUpAndTheLastOneSelects) {
  for (const RegimeKind& kind : regime_kinds()) {
    if (!kind.exits) continue;
    for (const int64_t epochs : {3, 4, 7, 12}) {
      const std::vector<Phase> phases = Made(std::string(kind.name), epochs)->phases();
      int64_t sum = 0;
      for (const Phase& phase : phases) {
        EXPECT_GT(phase.epochs, 0) << kind.name;
        sum += phase.epochs;
      }
      EXPECT_EQ(sum, epochs) << kind.name;
      EXPECT_TRUE(phases.back().selects) << kind.name;
    }
  }
}

TEST(JointRegime, WeighsEarlyExitsByTheirRule) {
  const Outputs o;
  const auto total = [&](const std::string& weights) {
    return value(Made("joint", 10, {"joint.weights=" + weights})->loss(o.outputs, o.label, {}).total);
  };
  EXPECT_NEAR(total("uniform"), o.ce(0) + o.ce(1) + o.ce(2), 1e-6);
  EXPECT_NEAR(total("decreasing"), o.ce(0) + 2.0 / 3 * o.ce(1) + o.ce(2), 1e-6);
  EXPECT_NEAR(total("increasing"), 1.0 / 3 * o.ce(0) + 2.0 / 3 * o.ce(1) + o.ce(2), 1e-6);
  EXPECT_NEAR(total("[0.5, 2]"), 0.5 * o.ce(0) + 2 * o.ce(1) + o.ce(2), 1e-6);
}

TEST(JointRegime, DeepSupervisionKeepsNoHeadsAndIsJudgedByTheLastExit) {
  const Made made("joint", 10, {"joint.keep_heads=false"});
  EXPECT_FALSE(made->keeps_heads());
  EXPECT_EQ(made->score({{1, 1, 1}, {0.9, 0.9, 0.5}, {}, {}, NAN, NAN}), 0.5);
  EXPECT_TRUE(Made("joint")->keeps_heads());
}

// alpha_k(t) = min(c_k, .01 + t c_k / T) with T = 10 and c = (.25, .5), epoch by epoch.
TEST(JointRampRegime, RaisesWeightsWithTheEpochs) {
  const Outputs o;
  const auto total = [&](const Made& made, int64_t epoch) {
    return value(made->loss(o.outputs, o.label, {.epoch = epoch}).total);
  };
  const Made costs("joint-ramp");
  EXPECT_NEAR(total(costs, 0), 0.01 * o.ce(0) + 0.01 * o.ce(1) + o.ce(2), 1e-6);
  EXPECT_NEAR(total(costs, 1), 0.035 * o.ce(0) + 0.06 * o.ce(1) + o.ce(2), 1e-6);
  EXPECT_NEAR(total(costs, 4), 0.11 * o.ce(0) + 0.21 * o.ce(1) + o.ce(2), 1e-6);
  EXPECT_NEAR(total(costs, 9), 0.235 * o.ce(0) + 0.46 * o.ce(1) + o.ce(2), 1e-6);
  // Never above c_k; other shares.
  const Made high("joint-ramp", 10, {"joint_ramp.shares=[0.15, 0.3]", "joint_ramp.start=0.1"});
  EXPECT_NEAR(total(high, 9), 0.15 * o.ce(0) + 0.3 * o.ce(1) + o.ce(2), 1e-6);
  EXPECT_THAT(error_of([] { Made("joint-ramp", 10, {"joint_ramp.shares=[1]"}); }).what(),
              HasSubstr("joint_ramp.shares has 1 numbers, expected 2"));
}

TEST(DepthWeightedRegime, WeighsByDepth) {
  const Outputs o;
  EXPECT_NEAR(value(Made("depth-weighted")->loss(o.outputs, o.label, {}).total),
              (o.ce(0) + 2 * o.ce(1) + 3 * o.ce(2)) / 6, 1e-6);
}

// Four samples; the first exit is surest of 2 and 0, the second, of those left, of 3.
TEST(SurvivorsRegime, WeighsSamplesByWhereTheyArrive) {
  const std::vector<std::vector<float>> d{{2, 0.1F, 3, -1}, {5, 0.2F, 5, -2}, {1, -1, 1, 0.5F}};
  ExitOutputs outputs;
  for (const std::vector<float>& row : d) {
    const at::Tensor first = at::tensor(row).unsqueeze(1);
    outputs.logits.push_back(at::cat({first, at::zeros_like(first)}, 1).requires_grad_(true));
  }
  outputs.gates.resize(2);
  const at::Tensor labels = at::zeros({4}, at::kLong);
  const auto expected = [&](double floor) {
    const std::array<std::array<double, 4>, 3> arrives{{{1, 1, 1, 1}, {0, 1, 0, 1}, {0, 1, 0, 0}}};
    double total = 0;
    for (size_t k = 0; k < 3; ++k) {
      double sum = 0, weights = 0;
      for (size_t i = 0; i < 4; ++i) {
        const double u = floor + (1 - floor) * arrives[k][i];
        sum += u * std::log1p(std::exp(-static_cast<double>(d[k][i])));
        weights += u;
      }
      total += (k == 1 ? 2.0 : k == 0 ? 0.5 : 1.0) * sum / weights;
    }
    return total;
  };
  for (const double floor : {0.0, 0.3, 1.0}) {
    const Made made("survivors", 10, {"joint.weights=[0.5, 2]", fmt::format("survivors.floor={:.1f}", floor)});
    EXPECT_NEAR(value(made->loss(outputs, labels, {}).total), expected(floor), 1e-6) << floor;
  }
  // Nobody leaves, or everybody: weights cancel.
  const Made all("survivors", 10, {"joint.weights=[0.5, 2]", "survivors.leave=0.0"});
  EXPECT_NEAR(value(all->loss(outputs, labels, {}).total), expected(1), 1e-6);
  const Made none("survivors", 10, {"joint.weights=[0.5, 2]", "survivors.leave=1.0"});
  EXPECT_NEAR(value(none->loss(outputs, labels, {}).total), expected(1), 1e-6);
  none->loss(outputs, labels, {}).total.backward();
  EXPECT_TRUE(outputs.logits[0].grad().defined());
}

// s = 10 / 3, a = 1/2; H of two classes at temperature T by hand.
TEST(DistillationRegime, AddsTheTeachersAnswersAtItsTemperature) {
  const Outputs o;
  const Made made("distillation");
  const auto expected = [&](double t) {
    const auto log_p = [&](double d) { return -std::log1p(std::exp(-d / t)); };
    const double teacher = std::exp(log_p(o.d[2]));
    double sum = o.ce(2) + o.ce(0) + o.ce(1);
    for (const size_t k : {0, 1}) sum -= t * t * (teacher * log_p(o.d[k]) + (1 - teacher) * log_p(-o.d[k]));
    return 10.0 / 3 * 0.5 * sum;
  };
  // Of two classes the larger probability, .62 here, always exceeds 1/2: the temperature rises above 3/4 alone.
  EXPECT_NEAR(value(made->loss(o.outputs, o.label, {}).total), expected(1), 1e-6);
  EXPECT_NEAR(value(made->loss(o.outputs, o.label, {}).total), expected(1), 1e-6);
  const std::vector<double> state{4};
  made->restore(state);
  EXPECT_NEAR(value(made->loss(o.outputs, o.label, {}).total), expected(4), 1e-6);
}

TEST(DistillationRegime, ASureTeacherRaisesItsTemperatureUntilItIsNot) {
  ExitOutputs outputs;
  // Of four classes: .71 at T = 1, 1/2 at T = 2 / ln 3 = 1.82, so 13 steps of a twentieth.
  for (int k = 0; k < 3; ++k) outputs.logits.push_back(at::tensor(std::vector<float>{2, 0, 0, 0}).unsqueeze(0));
  const Made made("distillation");
  for (int step = 0; step < 50; ++step) {
    // However many labels a step has.
    static_cast<void>(made->loss(outputs, at::zeros({1}, at::kLong), {}));
    static_cast<void>(made->loss(outputs, at::ones({1}, at::kLong), {}));
    made->adapt(outputs);
  }
  EXPECT_THAT(made->state(), ElementsAre(testing::DoubleNear(std::pow(1.05, 13), 1e-9)));
}

TEST(DistillationRegime, AnUnsureTeacherKeepsItsTemperature) {
  ExitOutputs outputs;
  for (int k = 0; k < 3; ++k) outputs.logits.push_back(at::zeros({2, 3}));  // largest probability 1/3
  const Made made("distillation");
  made->adapt(outputs);
  EXPECT_THAT(made->state(), ElementsAre(1));
}

TEST(DistillationRegime, TheTeacherLearnsNothingFromItsPupils) {
  const Outputs o;
  Made("distillation", 10, {"distillation.share=1"})->loss(o.outputs, o.label, {}).total.backward();
  EXPECT_TRUE(o.outputs.logits[0].grad().defined());
  EXPECT_TRUE(!o.outputs.logits[2].grad().defined() || o.outputs.logits[2].grad().abs().max().item<double>() == 0);
}

TEST(DifferentiableRegime, WarmsUpJointlyThenMinimisesTheDecision) {
  Outputs o;
  o.outputs.gates = {at::zeros({1}), at::zeros({1})};
  const Made made("differentiable", 9, {"differentiable.cost_weight=0.5"});
  const std::vector<Phase> phases = made->phases();
  ASSERT_EQ(phases.size(), 2U);
  EXPECT_EQ(phases[0].epochs, 3);
  EXPECT_FALSE(phases[0].gated);
  EXPECT_FALSE(phases[0].selects);
  EXPECT_TRUE(phases[1].gated);
  EXPECT_NEAR(value(made->loss(o.outputs, o.label, {.phase = 0}).total), o.ce(0) + o.ce(1) + o.ce(2), 1e-6);
  // Gates of 1/2: S = p_0 / 2 + p_1 / 4 + p_2 / 4 and the same of the costs, .125 + .125 + .3125.
  const double s = std::exp(-o.ce(0)) / 2 + std::exp(-o.ce(1)) / 4 + std::exp(-o.ce(2)) / 4;
  EXPECT_NEAR(value(made->loss(o.outputs, o.label, {.phase = 1}).total),
              -std::log(s) + o.ce(2) + 0.3 * (o.ce(0) + o.ce(1)) + 0.5 * 0.5625, 1e-6);
}

TEST(DifferentiableRegime, TargetCostNeedsAWeightToAdapt) {
  const Error error =
      error_of([] { Made("differentiable", 9, {"differentiable.target_cost=0.5", "differentiable.cost_weight=0"}); });
  EXPECT_EQ(error.code(), Code::kInvalidArgument);
  EXPECT_THAT(error.what(), HasSubstr("first value"));
}

TEST(DifferentiableRegime, TargetCostLiesBetweenTheFirstExitAndTheLast) {
  for (const char* word : {"differentiable.target_cost=0.01", "differentiable.target_cost=5"}) {
    EXPECT_THAT(error_of([&] { Made("differentiable", 9, {word}); }).what(), HasSubstr("the last exit's cost"));
  }
  const Made made("differentiable", 9, {"differentiable.target_cost=0.8"});
  ExitMetrics reached;
  reached.cost = 0.83;
  EXPECT_EQ(made->remark(reached), "");
  reached.cost = 0.9;
  EXPECT_THAT(made->remark(reached), HasSubstr("the target cost 0.8 was not met: the gates reach 0.900"));
}

TEST(DifferentiableRegime, ARangeOfCostWeightsIsDrawnByTheStep) {
  Outputs o;
  o.outputs.gates = {at::zeros({1}), at::zeros({1})};
  o.outputs.gate_shifts = {at::zeros({2}), at::zeros({2})};
  const Made made("differentiable", 9, {"differentiable.cost_weight=0.01", "differentiable.cost_weight_high=1"});
  EXPECT_NEAR(*made->cost_weight(), 0.1, 1e-12);
  // Shifts of 0: only the cost's weight differs from step to step.
  const double s = std::exp(-o.ce(0)) / 2 + std::exp(-o.ce(1)) / 4 + std::exp(-o.ce(2)) / 4;
  const double rest = -std::log(s) + o.ce(2) + 0.3 * (o.ce(0) + o.ce(1));
  double low = 1, high = 0, sum = 0;
  for (int64_t step = 0; step < 200; ++step) {
    const Moment at{.phase = 1, .step = step};
    const double total = value(made->loss(o.outputs, o.label, at).total);
    EXPECT_EQ(total, value(made->loss(o.outputs, o.label, at).total));
    const double weight = (total - rest) / 0.5625;
    low = std::min(low, weight);
    high = std::max(high, weight);
    sum += std::log10(weight) / 200;
  }
  EXPECT_NEAR(low, 0.01, 0.002);
  EXPECT_NEAR(high, 1, 0.1);
  EXPECT_NEAR(sum, -1, 0.15) << "evenly over the logarithm";
  for (const char* word :
       {"differentiable.cost_weight=0", "differentiable.cost_weight=2", "differentiable.target_cost=1"}) {
    const Error error = error_of([&] { Made("differentiable", 9, {"differentiable.cost_weight_high=1", word}); });
    EXPECT_THAT(error.what(), HasSubstr("needs a smaller cost_weight above 0"));
  }
}

TEST(DifferentiableRegime, GumbelNoiseIsAFunctionOfTheStep) {
  Outputs o;
  o.outputs.gates = {at::zeros({1}), at::zeros({1})};
  const Made made("differentiable", 9, {"differentiable.variant=gumbel"});
  const auto total = [&](int64_t step) {
    return value(made->loss(o.outputs, o.label, {.phase = 1, .progress = 0.5, .step = step}).total);
  };
  std::set<double> seen;
  for (int64_t step = 0; step < 40; ++step) {
    EXPECT_EQ(total(step), total(step));
    seen.insert(total(step));
  }
  // One of three exits answers.
  EXPECT_EQ(seen.size(), 3U);
}

TEST(DifferentiableRegime, OptionsOfOneVariantAreRefusedByOthers) {
  for (const char* word : {"differentiable.mix=logits", "differentiable.levels=every"}) {
    const Error error = error_of([&] { Made("differentiable", 9, {"differentiable.variant=assign", word}); });
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    EXPECT_THAT(error.what(), HasSubstr("belong to the variant mixture"));
  }
}

TEST(Regimes, ATrainedBackboneNeedsNoPhase) {
  for (const std::string name : {"classifier-wise", "mixed"}) {
    const Made made(name, 1, {}, true);
    const std::vector<Phase> phases = made->phases();
    ASSERT_EQ(phases.size(), 1U);
    EXPECT_EQ(phases[0].name, name == "mixed" ? "joint" : "heads");
    const Outputs o;
    EXPECT_NEAR(value(made->loss(o.outputs, o.label, {.phase = 0}).total),
                o.ce(0) + o.ce(1) + (name == "mixed" ? o.ce(2) : 0), 1e-6);
  }
}

TEST(LayerWiseRegime, TrainsOneStageAfterTheOther) {
  const Made made("layer-wise", 7);
  const std::vector<Phase> phases = made->phases();
  ASSERT_EQ(phases.size(), 3U);
  EXPECT_EQ(phases[0].epochs + phases[1].epochs, 4);
  EXPECT_EQ(phases[2].epochs, 3);
  const Outputs o;
  for (size_t k = 0; k < 3; ++k) {
    for (size_t j = 0; j < 3; ++j) {
      EXPECT_EQ(phases[k].trunks[j], j == k);
      EXPECT_EQ(phases[k].heads[j], j == k);
    }
    EXPECT_TRUE(phases[k].own_schedule);
    EXPECT_NEAR(value(made->loss(o.outputs, o.label, {.phase = k}).total), o.ce(k), 1e-6);
  }
  EXPECT_THAT(error_of([] { Made("layer-wise", 2); }).what(), HasSubstr("got 2 epochs for 3 stages"));
}

TEST(ClassifierWiseRegime, TrainsTheBackboneThenTheHeads) {
  const Made made("classifier-wise", 10);
  const std::vector<Phase> phases = made->phases();
  ASSERT_EQ(phases.size(), 2U);
  EXPECT_EQ(phases[0].epochs, 7);
  EXPECT_THAT(phases[0].trunks, ElementsAre(true, true, true));
  EXPECT_THAT(phases[0].heads, ElementsAre(false, false, true));
  EXPECT_THAT(phases[1].trunks, ElementsAre(false, false, false));
  EXPECT_THAT(phases[1].heads, ElementsAre(true, true, false));
  const Outputs o;
  EXPECT_NEAR(value(made->loss(o.outputs, o.label, {.phase = 0}).total), o.ce(2), 1e-6);
  EXPECT_NEAR(value(made->loss(o.outputs, o.label, {.phase = 1}).total), o.ce(0) + o.ce(1), 1e-6);
  EXPECT_THAT(error_of([] { Made("classifier-wise", 1); }).what(), HasSubstr("at least one for each phase"));
  EXPECT_THAT(error_of([] { Made("classifier-wise", 10, {"classifier_wise.backbone=1"}); }).what(),
              HasSubstr("expected between 0 and 1"));
}

TEST(ZeroTimeWasteRegime, HeadsReadTheAnswerBeforeTheirsWithoutTeachingIt) {
  const Made made("zero-time-waste", 10, {"zero_time_waste.backbone=0.6"});
  EXPECT_EQ(Made("classifier-wise").graph().stages[1].exit.head.size() + 2, made.graph().stages[1].exit.head.size());
  const std::vector<Phase> phases = made->phases();
  ASSERT_EQ(phases.size(), 2U);
  EXPECT_EQ(phases[0].epochs, 6);
  GraphModule module(made.graph(), 5);
  module.learn({phases[1].trunks, phases[1].heads, phases[1].detached});
  const ExitOutputs outputs = module.forward(at::randn({4, 1, 12, 12}), true);
  // The second head's answer depends on the first one's, but its loss does not reach the first head.
  outputs.logits[1].sum().backward();
  for (const GraphModule::Parameter& parameter : module.parameters()) {
    const std::string& name = parameter.spec.name;
    const at::Tensor& gradient = parameter.value.grad();
    EXPECT_EQ(gradient.defined() && gradient.abs().sum().item<double>() > 0,
              name.starts_with("exits.1.head.") && parameter.spec.trainable())
        << name;
  }
}

TEST(MixedRegime, TrainsTheBackboneThenJointly) {
  const Made made("mixed", 10, {"joint.weights=[0.5, 2]"});
  const std::vector<Phase> phases = made->phases();
  ASSERT_EQ(phases.size(), 2U);
  EXPECT_EQ(phases[0].epochs, 5);
  EXPECT_THAT(phases[0].heads, ElementsAre(false, false, true));
  EXPECT_TRUE(phases[1].heads.empty());
  const Outputs o;
  EXPECT_NEAR(value(made->loss(o.outputs, o.label, {.phase = 0}).total), o.ce(2), 1e-6);
  EXPECT_NEAR(value(made->loss(o.outputs, o.label, {.phase = 1}).total), 0.5 * o.ce(0) + 2 * o.ce(1) + o.ce(2), 1e-6);
}

// The stage a parameter belongs to, and whether to its head.
std::pair<size_t, bool> place_of(const Graph& graph, const ParameterSpec& spec) {
  for (size_t k = 0; k < graph.exits(); ++k) {
    const auto in = [&](const std::vector<NodeId>& nodes) { return std::ranges::count(nodes, spec.node) > 0; };
    if (spec.node >= 0 ? in(graph.stages[k].exit.head) : spec.exit == static_cast<int32_t>(k)) return {k, true};
    if (in(graph.stages[k].trunk)) return {k, false};
  }
  ADD_FAILURE() << spec.name;
  return {};
}

// Weights and statistics of normalisation, to the bit, over three steps of every phase of every regime.
TEST(Regimes, WhatDoesNotLearnKeepsItsBits) {
  at::manual_seed(3);
  const at::Tensor images = at::randn({6, 1, 12, 12});
  const at::Tensor labels = at::tensor(std::vector<int64_t>{0, 1, 2, 2, 1, 0});
  for (const std::string name : {"layer-wise", "classifier-wise", "zero-time-waste", "mixed", "local", "joint"}) {
    const Made made(name);
    GraphModule module(made.graph(), 5);
    Sgd sgd(module, {});
    const std::vector<Phase> phases = made->phases();
    for (size_t p = 0; p < phases.size(); ++p) {
      module.learn({phases[p].trunks, phases[p].heads, phases[p].detached});
      const TensorMap before = module.export_tensors();
      for (int step = 0; step < 3; ++step) {
        const Loss loss = made->loss(module.forward(images, true), labels, {.phase = p});
        sgd.clear_gradients();
        loss.total.backward();
        sgd.step(0.1);
      }
      const TensorMap after = module.export_tensors();
      for (const GraphModule::Parameter& parameter : module.parameters()) {
        const auto [stage, head] = place_of(made.graph(), parameter.spec);
        const std::vector<bool>& parts = head ? phases[p].heads : phases[p].trunks;
        const bool learns = parts.empty() || parts[stage];
        const std::string& tensor = parameter.spec.name;
        EXPECT_EQ(!std::ranges::equal(before.at(tensor).raw(), after.at(tensor).raw()), learns)
            << name << ", phase " << p << ": " << tensor;
      }
    }
  }
}

// One exit's loss reaches its own stage and, unless gradients stop there, those before.
TEST(LocalRegime, GradientsStopAtStages) {
  at::manual_seed(3);
  const at::Tensor images = at::randn({4, 1, 12, 12});
  const Made made("local");
  const std::vector<Phase> phases = made->phases();
  ASSERT_TRUE(phases[0].detached);
  for (const bool detached : {true, false}) {
    for (size_t k = 0; k < 3; ++k) {
      GraphModule module(made.graph(), 5);
      module.learn({.detached = detached});
      module.forward(images, true).logits[k].square().sum().backward();
      for (const GraphModule::Parameter& parameter : module.parameters()) {
        if (!parameter.spec.trainable()) continue;
        const auto [stage, head] = place_of(made.graph(), parameter.spec);
        const bool reached = stage == k || (!head && stage < k && !detached);
        EXPECT_EQ(parameter.value.grad().defined(), reached) << parameter.spec.name << " from exit " << k;
      }
    }
  }
}

TEST(Regimes, UnknownOnesAndNetworksThatDoNotFitAreNamed) {
  const Error unknown = error_of([] { regime_kind("distilation"); });
  EXPECT_EQ(unknown.code(), Code::kInvalidArgument);
  EXPECT_THAT(unknown.what(), HasSubstr("did you mean 'distillation'"));
  for (const RegimeKind& kind : regime_kinds()) {
    if (!kind.exits) continue;
    const Error error = error_of(
        [&] { parse_config("", "run.toml", {"network.exits=none", "train.regime=" + std::string(kind.name)}); });
    EXPECT_EQ(error.code(), Code::kInvalidArgument) << kind.name;
    EXPECT_THAT(error.what(), HasSubstr(fmt::format("regime {} needs exits", kind.name)));
  }
}

}  // namespace
}  // namespace sooner
