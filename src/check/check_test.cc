// Backends against the reference on whole networks: shapes and cuts chosen to be awkward.
#include "check/check.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "backend/ref/ref_backend.h"
#include "check/tolerance.h"
#include "graph/cost.h"
#include "graph/graph_builder.h"
#include "graph/keep_exits.h"
#include "support/engines.h"
#include "support/gated_network.h"
#include "support/measured_scales.h"
#include "support/message_of.h"
#include "support/random_weights.h"
#include "zoo/zoo.h"

namespace sooner {
namespace {

using test::measured_quantisation;
using test::random_images;
using test::random_weights;

NodeId gap_head(GraphBuilder& b, const std::string& prefix, NodeId src) {
  if (b.shape(src).size() == 3) src = b.global_avg_pool(prefix + "gap", src);
  return b.linear(prefix + "fc", src, b.classes());
}

NodeId flat_head(GraphBuilder& b, const std::string& prefix, NodeId src) {
  return b.linear(prefix + "fc", b.flatten(prefix + "flatten", src), b.classes());
}

// Everything the operations can do that the zoo's networks do not.
Graph every_operation() {
  GraphBuilder b("every-operation", {3, 11, 8}, 5);
  NodeId x = b.batch_norm("bn_in", b.input());
  Conv2dAttributes a = conv(6, 3, 1, 0);
  a.pad_top = 2;
  a.pad_right = 1;
  a.groups = 3;
  x = b.conv2d("grouped", x, a);
  PoolAttributes p = pool(3, 2, 1, true);
  p.count_include_pad = true;
  x = b.relu("relu1", b.avg_pool("avg", x, p));
  const NodeId wide = b.conv2d("dilated", x, [] {
    Conv2dAttributes d = conv(6, 3, 1, 2, false);
    d.dilation_h = d.dilation_w = 2;
    return d;
  }());
  x = b.relu("relu2", b.batch_norm("bn_sum", b.add("sum", x, wide)));
  p = pool(2, 2, 1);
  x = b.concat("joined",
               {b.mixed_pool("mixed", x, p), b.max_pool("largest", x, p), b.conv2d("beside", x, conv(17, 2, 2, 1))});
  x = b.relu("relu3", b.linear("fc0", b.flatten("flatten", x), 9));
  return attach_exits(b.finish(b.linear("fc", x, 5)),
                      {{"relu1", flat_head, Gate{}}, {"sum", gap_head, Gate{.features = true, .scores = false}}});
}

// Channels moved and squashed, of maps and of vectors, in odd numbers.
Graph activations() {
  GraphBuilder b("activations", {3, 5, 4}, 3);
  NodeId x = b.concat("with_input", {b.conv2d("conv1", b.input(), conv(18, 3, 1, 1)), b.input()});
  x = b.hard_swish("swish", b.channel_shuffle("shuffle", x, 7));
  x = b.clip("clip", b.conv2d("conv2", b.slice("slice", x, 2, 19), conv(9, 3)), -0.5, 0.75);
  x = b.local_response_norm("norm", x, {.size = 4, .alpha = 2, .beta = 0.6, .bias = 1.5});
  x = b.hard_swish("swish2", b.linear("fc0", b.flatten("flatten", x), 8));
  x = b.channel_shuffle("shuffle2", b.clip("clip2", x, -1, 1), 4);
  return b.finish(b.linear("fc", b.slice("slice2", x, 1, 6), 3));
}

// Cuts that several values cross: a residual, and the image itself past two exits.
Graph awkward_cuts() {
  GraphBuilder b("awkward-cuts", {2, 6, 5}, 3);
  const NodeId first = b.relu("relu1", b.conv2d("conv1", b.input(), conv(2, 3, 1, 1)));
  NodeId x = b.batch_norm("bn", b.conv2d("conv2", first, conv(2, 3, 1, 1, false)));
  x = b.relu("relu2", b.add("residual", x, first));
  x = b.conv2d("conv3", x, conv(2, 3, 1, 1));
  x = b.relu("relu3", b.add("input_again", x, b.input()));
  return attach_exits(b.finish(flat_head(b, "", x)), {{"relu1", flat_head, Gate{.features = false, .scores = true}},
                                                      {"bn", gap_head, Gate{}},
                                                      {"conv3", flat_head, std::nullopt}});
}

Graph network(const std::string& name) {
  if (name == "every_operation") return every_operation();
  if (name == "awkward_cuts") return awkward_cuts();
  if (name == "b_lenet") return build_network({"b-lenet", "names:conv1", "branchy", "both"}, {1, 14, 14}, 10);
  if (name == "colour_lenet") {
    return build_network({"b-lenet", "names:conv1,relu2", "pool-fc:2;gap-fc", "both"}, {3, 9, 7}, 4);
  }
  if (name == "resnet") {
    return build_network({"resnet8:w4", "names:layer1.0.bn1,layer2.0", "conv-gap-fc:5", "both"}, {3, 9, 9}, 10);
  }
  if (name == "mobile") {
    return build_network({"mobilenetv2:w0.1:cifar", "names:features.3,features.10", "gap-fc", "both"}, {3, 17, 17}, 5);
  }
  if (name == "shuffle") {
    return build_network({"shufflenetv2:w0.5:cifar", "names:stage2.1", "gap-fc", "both"}, {3, 12, 12}, 5);
  }
  if (name == "alexnet") return build_network({"b-alexnet", "names:conv2", "gap-fc", "both"}, {3, 12, 12}, 5);
  if (name == "squeeze") return backbone_from_string("squeezenet1.1", {3, 33, 33}, 7);
  if (name == "activations") return activations();
  if (name == "gated") return test::gated_network({3, 7, 6}, 13, 4);
  if (name == "cascade") {
    return build_network({"resnet8:w4", "names:layer1.0,layer2.0,layer3.0.relu1", "gap-fc;conv-gap-fc:5;pool-fc:2",
                          "both", /*cascade=*/true},
                         {3, 9, 9}, 5);
  }
  return plain_backbone(build_network({"resnet8:w3", "none", "gap-fc", "none"}, {1, 5, 5}, 2));
}

class EveryEngine : public testing::TestWithParam<test::Engine> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(EveryEngine);

TEST_P(EveryEngine, AgreesWithTheReferenceWithinTheDerivedBound) {
  const Graph graph = network(GetParam().network);
  const auto backend = make_backend(GetParam().backend);
  for (const uint64_t seed : {1U, 2U, 3U}) {
    const TensorMap weights = random_weights(graph, seed);
    const std::vector<float> images = random_images(graph, 5, seed + 10);
    const Quantisation quantisation = measured_quantisation(graph, weights);
    const Agreement agreement =
        check_backend(graph, weights, *backend, {GetParam().precision, 4, &quantisation}, images);
    EXPECT_TRUE(agreement.holds()) << to_string(agreement);
    EXPECT_GT(agreement.compared, 0);
    // A bound that allows anything would prove nothing. (Through fifty layers of random weights, low precision may end
    // anywhere; and SqueezeNet's answers are rectified, so some are exactly 0.)
    const bool deep = graph.nodes.size() > 60;
    if (deep && GetParam().precision != Precision::kF32) continue;
    const LogitTolerance bound = logit_tolerance(
        graph, weights,
        images.empty() ? images : std::span(images).first(static_cast<size_t>(element_count(graph.input_shape))),
        GetParam().precision, &quantisation);
    for (const double logit : bound.logits) {
      EXPECT_GE(logit, deep ? 0 : 1e-12);
      EXPECT_LT(logit, GetParam().precision == Precision::kF32    ? 1e-3
                       : GetParam().precision == Precision::kBF16 ? 3
                                                                  : 8);
    }
  }
}

TEST_P(EveryEngine, StepsExecuteTheGraphsMultiplications) {
  const Graph graph = network(GetParam().network);
  const GraphCost cost = compute_cost(graph);
  const TensorMap weights = random_weights(graph, 1);
  const Quantisation quantisation = measured_quantisation(graph, weights);
  const auto stages =
      make_backend(GetParam().backend)->compile(graph, weights, {GetParam().precision, 2, &quantisation});
  for (size_t k = 0; k < stages.size(); ++k) {
    int64_t trunk = 0, head = 0;
    bool in_head = false;
    for (const StepInfo& step : stages[k]->steps()) {
      EXPECT_FALSE(in_head && !step.head) << "trunk step " << step.name << " after the head began";
      in_head = step.head;
      (step.head ? head : trunk) += step.macs;
    }
    EXPECT_EQ(head, cost.stages[k].skippable_macs);
    EXPECT_EQ(trunk + head, cost.stages[k].trunk_macs + cost.stages[k].head_macs);
    if (k == 0) continue;
    ASSERT_EQ(stages[k]->carry_in().size(), stages[k - 1]->carry_out().size());
    for (size_t t = 0; t < stages[k]->carry_in().size(); ++t) {
      EXPECT_EQ(stages[k]->carry_in()[t].node, stages[k - 1]->carry_out()[t].node);
      EXPECT_EQ(stages[k]->carry_in()[t].row_bytes, stages[k - 1]->carry_out()[t].row_bytes);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, EveryEngine,
                         testing::ValuesIn(test::engines({"every_operation", "awkward_cuts", "b_lenet", "colour_lenet",
                                                          "resnet", "cascade", "mobile", "shuffle", "alexnet",
                                                          "squeeze", "activations", "gated", "plain"},
                                                         "ref")),
                         test::engine_name);

TEST(Check, TheReferenceAgreesWithItself) {
  const Graph graph = network("awkward_cuts");
  const Agreement agreement =
      check_backend(graph, random_weights(graph, 1), RefBackend(), {.batch_max = 2}, random_images(graph, 3, 2));
  EXPECT_TRUE(agreement.holds());
  EXPECT_EQ(agreement.worst.share, 0);
  EXPECT_EQ(agreement.compared, 3 * (4 * 3 + 2));
}

TEST(Check, FindsTheOneNumberThatIsOff) {
  const Graph graph = network("awkward_cuts");
  const TensorMap weights = random_weights(graph, 1);
  const std::vector<float> images = random_images(graph, 3, 2);
  const AllLogits expected = run_every_exit(graph, weights, RefBackend(), {.batch_max = 2}, images);
  AllLogits got = expected;
  got.logits[(2 * 4 + 1) * 3 + 2] += 1e-3F;
  Agreement agreement = compare_logits(graph, weights, images, Precision::kF32, expected, got);
  EXPECT_EQ(agreement.outside, 1);
  EXPECT_EQ(agreement.worst.sample, 2);
  EXPECT_EQ(agreement.worst.exit_index, 1);
  EXPECT_EQ(agreement.worst.class_index, 2);
  EXPECT_GT(agreement.worst.share, 1);
  EXPECT_NE(to_string(agreement).find("differs in 1 of 42 numbers; worst at sample 2, exit 1, class 2"),
            std::string::npos)
      << to_string(agreement);

  got = expected;
  got.gate_logits[3] = std::numeric_limits<float>::quiet_NaN();
  agreement = compare_logits(graph, weights, images, Precision::kF32, expected, got);
  EXPECT_EQ(agreement.outside, 1);
  EXPECT_EQ(agreement.worst.sample, 1);
  EXPECT_EQ(agreement.worst.class_index, -1);
}

// A gate written down after the sigmoid has lost digits, all of them where it is 1.
TEST(Check, AllowsWhatAGateLostWhenItWasWrittenDown) {
  const Graph graph = network("awkward_cuts");
  const TensorMap weights = random_weights(graph, 1);
  const std::vector<float> images = random_images(graph, 1, 2);
  const AllLogits got = run_every_exit(graph, weights, RefBackend(), {.batch_max = 2}, images);
  size_t gated = 0;
  while (std::isnan(got.gate_logits[gated])) ++gated;
  const auto outside = [&](float expected, double slack) {
    AllLogits written = got;
    written.gate_logits[gated] = expected;
    written.gate_slack.assign(got.gate_logits.size(), 0.0);
    written.gate_slack[gated] = slack;
    return compare_logits(graph, weights, images, Precision::kF32, written, got).outside;
  };
  const float gate = got.gate_logits[gated];
  constexpr double kAtLeast = std::numeric_limits<double>::infinity();
  EXPECT_EQ(outside(gate + 1e-2F, 0), 1);
  EXPECT_EQ(outside(gate + 1e-2F, 2e-2), 0);
  EXPECT_EQ(outside(gate + 1e-2F, 5e-3), 1);
  // At least 17 from 0, on its side: `got` is not.
  EXPECT_EQ(outside(17, kAtLeast), 1);
  EXPECT_EQ(outside(-17, kAtLeast), 1);
  AllLogits open = got;
  open.gate_logits[gated] = 20;
  AllLogits written = open;
  written.gate_logits[gated] = 17;
  written.gate_slack.assign(got.gate_logits.size(), kAtLeast);
  EXPECT_EQ(compare_logits(graph, weights, images, Precision::kF32, written, open).outside, 0);
}

TEST(Check, RefusesHalfAnImage) {
  const Graph graph = network("awkward_cuts");
  const std::vector<float> images(61);
  EXPECT_NE(
      message_of(Code::kInvalidArgument,
                 [&] { static_cast<void>(check_backend(graph, random_weights(graph, 1), RefBackend(), {}, images)); })
          .find("got 61 floats, expected a multiple of 2x6x5 = 60"),
      std::string::npos);
}

TEST(Tolerance, GrowsWithDepthAndCoarserNumbers) {
  const Graph shallow = plain_backbone(network("b_lenet"));
  const TensorMap weights = random_weights(shallow, 1);
  const std::vector<float> image = random_images(shallow, 1, 2);
  const double fine = logit_tolerance(shallow, weights, image, Precision::kF32).logits[0];
  const double coarse = logit_tolerance(shallow, weights, image, Precision::kBF16).logits[0];
  EXPECT_GT(coarse, 1e3 * fine);
}

TEST(MakeBackend, NamesTheChoices) {
  EXPECT_EQ(make_backend("ref")->name(), "ref");
  EXPECT_EQ(make_backend("auto")->name(), backend_names()[1]);
  EXPECT_NE(message_of(Code::kInvalidArgument, [] { make_backend("onedn"); }).find("'onedn' is unknown"),
            std::string::npos);
}

TEST(MakeBackend, APrecisionThatIsMissingIsNamed) {
  const Graph graph = network("plain");
  EXPECT_NE(
      message_of(
          Code::kFailedPrecondition,
          [&] { static_cast<void>(RefBackend().compile(graph, random_weights(graph, 1), {Precision::kBF16, 1})); })
          .find("use --precision fp32"),
      std::string::npos);
}

TEST(Tolerance, OfInt8GrowsWithTheStepAndWithWhatIsCutOff) {
  const Graph graph = plain_backbone(network("b_lenet"));
  const TensorMap weights = random_weights(graph, 1);
  const std::vector<float> image = random_images(graph, 1, 2);
  Quantisation quantisation = measured_quantisation(graph, weights);
  const auto bound = [&] { return logit_tolerance(graph, weights, image, Precision::kInt8, &quantisation).logits[0]; };
  const double measured = bound();
  for (auto& [name, map] : quantisation.scales) map.scale *= 4;
  const double coarser = bound();
  EXPECT_GT(coarser, 1.5 * measured);
  for (auto& [name, map] : quantisation.scales) map.scale /= 64;
  EXPECT_GT(bound(), 1.5 * measured);
}

TEST(Check, CountsTheLabelsThatChange) {
  const Graph graph = network("awkward_cuts");
  const TensorMap weights = random_weights(graph, 1);
  const std::vector<float> images = random_images(graph, 3, 2);
  const AllLogits expected = run_every_exit(graph, weights, RefBackend(), {.batch_max = 2}, images);
  AllLogits got = expected;
  got.logits[0] = got.logits[1] = got.logits[2] = 0;  // the first of equals is class 0
  const Agreement agreement = compare_logits(graph, weights, images, Precision::kF32, expected, got);
  const bool was_first = expected.logits[0] >= std::max(expected.logits[1], expected.logits[2]);
  EXPECT_EQ(agreement.flips, was_first ? 0 : 1);
  EXPECT_EQ(agreement.answers, 3 * 4);
}

TEST(MakeBackend, Int8WithoutScalesNamesWhatToDo) {
  const Graph graph = network("resnet");
  const TensorMap weights = random_weights(graph, 1);
  Quantisation quantisation = measured_quantisation(graph, weights);
  const auto backend = make_backend("auto");
  const auto refusal = [&](const Quantisation* scales) {
    return message_of(Code::kFailedPrecondition,
                      [&] { static_cast<void>(backend->compile(graph, weights, {Precision::kInt8, 2, scales})); });
  };
  if (!backend->supports(Precision::kInt8)) {
    EXPECT_NE(refusal(&quantisation).find("use --precision fp32"), std::string::npos);
    return;
  }
  EXPECT_NE(refusal(nullptr).find("run `sooner quantize`"), std::string::npos);
  ASSERT_EQ(quantisation.scales.erase("layer1.0"), 1U);
  EXPECT_NE(refusal(&quantisation).find("no scale for the map of 'layer1.0'"), std::string::npos);
}

}  // namespace
}  // namespace sooner
