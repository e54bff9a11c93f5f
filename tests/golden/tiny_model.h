// The smallest model with an early exit, for tests: a few hundred bytes of weights, every kind of manifest entry.
#pragma once

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "core/rng.h"
#include "format/model_file.h"
#include "graph/graph_builder.h"
#include "graph/parameters.h"

namespace sooner {

// Weights that depend on their names' order and size alone; running variances are positive.
inline TensorMap made_up_weights(const Graph& graph) {
  TensorMap tensors;
  Rng rng(7);
  for (const ParameterSpec& spec : parameters(graph)) {
    Tensor tensor(DType::kF32, spec.shape);
    for (float& value : tensor.floats()) {
      value = static_cast<float>(rng.below(64)) / 64.0F + (spec.kind == ParameterKind::kRunningVar ? 0.5F : -0.5F);
    }
    tensors.emplace(spec.name, std::move(tensor));
  }
  return tensors;
}

// A manifest that fits `graph`, with plain values everywhere.
inline Manifest made_up_manifest(Graph graph) {
  Manifest manifest;
  manifest.preprocessing.image_shape = graph.input_shape;
  manifest.preprocessing.channel_order = graph.input_shape[0] == 1 ? "L" : "RGB";
  manifest.preprocessing.mean.assign(static_cast<size_t>(graph.input_shape[0]), 0.5);
  manifest.preprocessing.std.assign(static_cast<size_t>(graph.input_shape[0]), 0.25);
  for (int64_t c = 0; c < graph.classes; ++c) manifest.class_names.push_back("class " + std::to_string(c));
  manifest.graph = std::move(graph);
  return manifest;
}

// Adds `n` check samples with made-up images, logits and gates.
inline void add_check_samples(ModelFile& model, int64_t n) {
  const Graph& graph = model.manifest.graph;
  const auto exits = static_cast<int64_t>(graph.exits());
  Shape shape{n};
  shape.insert(shape.end(), graph.input_shape.begin(), graph.input_shape.end());
  Tensor images(DType::kU8, shape);
  for (size_t i = 0; i < images.bytes(); ++i) images.raw()[i] = static_cast<std::byte>(i % 251);
  Tensor logits(DType::kF32, {n, exits, graph.classes});
  for (size_t i = 0; i < logits.floats().size(); ++i) logits.floats()[i] = static_cast<float>(i) / 4 - 1;
  model.manifest.check_samples = n;
  model.tensors["sooner.check.images"] = images;
  model.tensors["sooner.check.logits"] = logits;
  if (exits == 1) return;
  Tensor gates(DType::kF32, {n, exits - 1});
  for (float& gate : gates.floats()) gate = 0.25F;
  model.tensors["sooner.check.gates"] = gates;
}

// [1, 4, 4] -> conv of 2 channels, batch norm, ReLU | exit 0: pool, linear, gate | conv, ReLU, exit 1: pool, linear.
inline ModelFile tiny_model() {
  GraphBuilder b("tiny", {1, 4, 4}, 3);
  NodeId x = b.conv2d("conv1", b.input(), conv(2, 3, 2, 1, false));
  x = b.relu("relu1", b.batch_norm("bn1", x));
  x = b.relu("relu2", b.conv2d("conv2", x, conv(2, 1)));
  const Graph plain = b.finish(b.linear("fc", b.global_avg_pool("pool", x), 3));
  const auto head = [](GraphBuilder& builder, const std::string& prefix, NodeId src) {
    return builder.linear(prefix + "fc", builder.global_avg_pool(prefix + "pool", src), builder.classes());
  };
  ModelFile model;
  model.manifest = made_up_manifest(attach_exits(plain, {{"relu1", head, Gate{}}}));
  model.tensors = made_up_weights(model.manifest.graph);
  model.manifest.class_names = {"circle", "Quadrat „eckig“", "✚"};
  model.manifest.policy = {.name = "max-prob", .thresholds = Threshold::scores({2.25}), .temperatures = {1.5, 1.0}};
  CalibrationRecord record;
  record.policy = {.name = "entropy",
                   .thresholds = Threshold::scores({std::numeric_limits<double>::infinity()}),
                   .temperatures = {}};
  record.rule = parse_calibration_rule("budget 0.5");
  record.origin = {.data_set = "glyphs", .split_hash = "0123456789abcdef", .precision = "fp32", .backend = "ref"};
  record.samples = 5;
  record.quality = 0.8;
  record.last_exit_quality = 0.8;
  record.cost_fraction = 1.0625;
  record.exit_shares = {0, 1};
  record.exit_quality = {0.6, 0.8};
  record.score_histograms = {{1, 4}, {0, 5}};
  record.histogram_low = {0, 0};
  record.histogram_high = {1, 1};
  model.manifest.calibrations = {record};
  model.manifest.provenance = {.sooner_version = "0.1.0",
                               .regime = "differentiable",
                               .config_hash = "fedcba9876543210",
                               .config_toml = "seed = 18446744073709551615\n",
                               .seed = std::numeric_limits<uint64_t>::max(),
                               .data_set = "glyphs",
                               .data_hash = "00000000000000ff",
                               .epochs = 3,
                               .trained_at = "2025-01-31T12:00:00Z"};
  add_check_samples(model, 1);
  return model;
}

// The same with scales for int8: format version 2.
inline ModelFile quantised_tiny_model() {
  ModelFile model = tiny_model();
  model.manifest.quantisation = Quantisation{.method = "mse",
                                             .data_set = "glyphs",
                                             .split_hash = "0123456789abcdef",
                                             .samples = 5,
                                             .model_hash = model_hash(model),
                                             .scales = {{"relu1", {0.0078125, false}}, {"relu2", {0.5, true}}}};
  return model;
}

// With the members policies got later: format version 3.
inline ModelFile combined_tiny_model() {
  ModelFile model = tiny_model();
  PolicySpec ensemble{.name = "ensemble", .thresholds = Threshold::scores({1.5}), .temperatures = {2, 1}};
  ensemble.settings = {{"weights", NumberRows{{0.25}}}, {"biases", NumberRows{{0, -0.5, 0}}}};
  PolicySpec by_class{.name = "margin"};
  by_class.class_thresholds = {Threshold::scores({0.5, std::numeric_limits<double>::infinity(), 0.75})};
  PolicySpec gate{.name = "gate"};
  gate.settings.set("cost_weight", 0.0625);
  model.manifest.cost_weights = CostWeights{.low = 0.03125, .high = 0.5, .standard = 0.125, .shifts = {{2.5, -0.25}}};
  model.manifest.policy = {.name = "any", .wrappers = {.deadline_seconds = 0.125}, .parts = {ensemble, by_class, gate}};
  model.manifest.calibrations[0].policy.wrappers.abstain_below = Threshold::score(0.25);
  return model;
}

// A policy that lets the surest exit so far answer: format version 5.
inline ModelFile surest_tiny_model() {
  ModelFile model = tiny_model();
  const PolicySpec entropy{.name = "entropy", .thresholds = Threshold::scores({0.875})};
  model.manifest.policy = {
      .name = "all", .wrappers = {.surest_so_far = true, .abstain_below = Threshold::score(0.5)}, .parts = {entropy}};
  return model;
}

// A policy of settings that versions before 6 do not know, beside one that they do.
inline ModelFile learned_tiny_model() {
  ModelFile model = tiny_model();
  PolicySpec learned{.name = "learned", .thresholds = {Threshold::score(1.5)}};
  // Of exit 0: log-odds, margin, entropy score and gate; of exit 1 no gate, but log-odds and agreement of exit 0.
  learned.settings = {{"penalty", 0.25},
                      {"weights", NumberRows{{0.5, 1, -0.25, 0, 2}, {0, 1, 0.125, 0, 0.5, -1}}},
                      {"means", NumberRows{{3, 0.5, 0.75, 0.5}, {4, 0.5, 0.75, 3, 0.5}}},
                      {"scales", NumberRows{{2, 0.25, 0.25, 0.125}, {2, 0.25, 0.25, 2, 0.5}}}};
  model.manifest.policy = {.name = "any",
                           .wrappers = {.cap = 1, .abstain_below = Threshold::score(0)},
                           .parts = {learned, {.name = "always", .settings = {{"exit", 1}}}}};
  CalibrationRecord& record = model.manifest.calibrations[0];
  record.policy.thresholds.clear();
  record.policy.class_thresholds = {{Threshold::score(0.75), Threshold::nobody(), Threshold::everybody()}};
  return model;
}

// Three exits that answer with a number, and patience tuned for it: format version 4.
inline ModelFile regression_tiny_model() {
  GraphBuilder b("tiny", {1, 4, 4}, 1);
  NodeId x = b.relu("relu1", b.conv2d("conv1", b.input(), conv(2, 3, 2, 1)));
  x = b.relu("relu2", b.conv2d("conv2", x, conv(2, 1)));
  x = b.relu("relu3", b.conv2d("conv3", x, conv(2, 1)));
  const Graph plain = b.finish(b.linear("fc", b.global_avg_pool("pool", x), 1));
  const auto head = [](GraphBuilder& builder, const std::string& prefix, NodeId src) {
    return builder.linear(prefix + "fc", builder.global_avg_pool(prefix + "pool", src), builder.classes());
  };
  const double infinity = std::numeric_limits<double>::infinity();
  ModelFile model;
  model.manifest = made_up_manifest(attach_exits(plain, {{"relu1", head, {}}, {"relu2", head, {}}}));
  model.manifest.class_names.clear();
  model.manifest.quantity = Quantity{.name = "angle", .unit = "degrees"};
  model.manifest.policy = {.name = "patience", .thresholds = Threshold::scores({infinity, -2.5})};
  model.tensors = made_up_weights(model.manifest.graph);
  CalibrationRecord record;
  record.policy = model.manifest.policy;
  record.rule = parse_calibration_rule("error-rise 0.5");
  record.origin = {.data_set = "glyph-angles", .split_hash = "0123456789abcdef", .precision = "fp32", .backend = "ref"};
  record.samples = 4;
  record.quality = -4.5;
  record.last_exit_quality = -4.25;
  record.cost_fraction = 0.875;
  record.exit_shares = {0, 0.25, 0.75};
  record.exit_quality = {-9, -6.5, -4.25};
  record.exit_savings = {0, 0.125};
  model.manifest.calibrations = {record};
  model.manifest.provenance.data_set = "glyph-angles";
  add_check_samples(model, 1);
  for (float& gate : model.tensors["sooner.check.gates"].floats()) gate = std::numeric_limits<float>::quiet_NaN();
  return model;
}

// The classification with a second calibration that carries a guarantee: format version 3.
inline ModelFile guaranteed_tiny_model() {
  ModelFile model = tiny_model();
  CalibrationRecord record = model.manifest.calibrations[0];
  record.policy = {.name = "max-prob", .thresholds = Threshold::scores({2.25}), .temperatures = {1.5, 1.0}};
  record.rule = parse_calibration_rule("risk 0.25 delta 0.5 loss differs bound binomial");
  record.exit_shares = {0.6, 0.4};
  record.exit_savings = {0.375};
  record.guarantee = RiskGuarantee{.samples = 8, .split_hash = "fedcba9876543210", .risk = 0.125};
  model.manifest.calibrations.push_back(record);
  return model;
}

// The same with names, rules with all their members, and whose logits they were chosen on: format version 6.
inline ModelFile named_tiny_model() {
  ModelFile model = guaranteed_tiny_model();
  CalibrationRecord& timed = model.manifest.calibrations[0];
  timed.name = "by the clock";
  timed.rule = parse_calibration_rule("latency 0.125 0.5,1.25 and coverage 0.75");
  timed.origin.weights_hash = model_hash(model);
  timed.origin.split = "tune";
  CalibrationRecord& promised = model.manifest.calibrations[1];
  promised.name = "max-prob/risk";
  promised.origin = timed.origin;
  promised.origin.instruction_set = "portable";
  promised.guarantee->unseen = Unseen::kUserWord;
  model.manifest.provenance.trained_elsewhere = true;
  return model;
}

// The same where earlier promises were taken back: format version 7.
inline ModelFile withdrawn_tiny_model() {
  ModelFile model = named_tiny_model();
  model.manifest.calibrations[1].guarantee->withdrawn = 2;
  return model;
}

}  // namespace sooner
