// A report with something in every place, for tests and for looking at the page. The numbers are made up.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "data/png.h"
#include "report/report_data.h"

namespace sooner {

// A disc of radius `r` in a 3-channel picture of 28 x 28.
inline std::vector<std::byte> disc_png(double r) {
  std::vector<uint8_t> pixels(3 * 28 * 28);
  for (size_t i = 0; i < pixels.size(); ++i) {
    const double y = static_cast<double>(i / 28 % 28) - 13.5;
    const double x = static_cast<double>(i % 28) - 13.5;
    const size_t channel = i / (28 * 28);
    pixels[i] = std::hypot(x, y) < r ? static_cast<uint8_t>(250 - 60 * channel) : static_cast<uint8_t>(30 * channel);
  }
  return encode_png(pixels, {3, 28, 28});
}

inline ReportModel sample_report_model(const std::string& name, size_t exits, double lift) {
  ReportModel model;
  model.name = name;
  model.description = "ResNet-20 with exits after .30 and .65 of its MACs, trained for 30 epochs.";
  model.plain_macs = 40.8e6;
  model.parameters = 298'000;
  model.policy = "max-prob, temperatures 1.31 1.12 1.00";
  std::vector<double> shares;
  for (size_t k = 0; k < exits; ++k) {
    const bool last = k + 1 == exits;
    const double at = static_cast<double>(k + 1) / static_cast<double>(exits);
    ReportStage stage;
    stage.exit_name = last ? "last" : "exit" + std::to_string(k);
    stage.layers = k == 0 ? "conv1 bn1 relu1 layer1.0 layer1.1 layer1.2" : "layer" + std::to_string(k + 1) + ".0 to .2";
    stage.head = "conv 64@3x3 s2, bn, relu, gap, fc";
    stage.shape = "16x32x32";
    stage.trunk_macs = 13.6e6;
    stage.head_macs = last ? 640 : 1.21e6;
    stage.cost_fraction = at * 1.08;
    stage.threshold = last ? "always answers" : "leaves if p >= 0.93";
    stage.has_gate = !last;
    stage.share = last ? std::pow(0.5, static_cast<double>(exits - 1)) : std::pow(0.5, static_cast<double>(k + 1));
    stage.accuracy = 0.84 + 0.06 * at + lift;
    stage.accuracy_here = last ? 0.78 + lift : 0.97 - 0.05 * at;
    stage.ece = 0.031 * at;
    stage.brier = 0.21 - 0.05 * at;
    stage.failure_auroc = last ? kUnknown : 0.88;
    shares.push_back(stage.share);
    model.stages.push_back(stage);
  }
  for (int i = 0; i < 12; ++i) {
    const double x = 0.36 + 0.055 * i;
    model.curve.push_back(
        {"budget " + std::to_string(x).substr(0, 5), x, 0.9 + lift - 0.35 * std::pow(1 - x, 4), shares});
  }
  model.curve.insert(model.curve.begin() + 4,
                     {"budget 0.570", 0.57, 0.871 + lift, shares});  // beaten by the one before
  model.operating_point = {"accuracy-drop 0.003", 0.58, 0.889 + lift, shares};
  for (const std::string chart : {"accuracy", "loss", "learning rate"}) {
    for (size_t k = 0; k < (chart == "learning rate" ? 1 : exits); ++k) {
      ReportSeries series{chart, chart == "learning rate" ? "rate" : model.stages[k].exit_name, {}, {}};
      for (int epoch = 1; epoch <= 30; ++epoch) {
        const double fall = std::exp(-epoch / (6.0 + static_cast<double>(k)));
        series.epochs.push_back(epoch);
        series.values.push_back(chart == "accuracy" ? 0.84 + 0.03 * static_cast<double>(k) + lift - 0.5 * fall
                                : chart == "loss"   ? 0.3 + 1.8 * fall
                                                    : 0.1 * (1 + std::cos(3.1416 * epoch / 30)) / 2);
      }
      model.training.push_back(series);
    }
  }
  model.latency = {{"early exits", "onednn", "fp32", 1, 1, 271.4, 598.2, 0.58},
                   {"plain network", "onednn", "fp32", 1, 1, 467.9, 502.0, 1},
                   {"early exits", "ref", "fp32", 1, 1, 9120.0, kUnknown, kUnknown}};
  for (const bool first : {true, false}) {
    ReportGallery gallery{first ? "Left first, at exit0" : "Went to the last exit",
                          first ? "The surest answers of the earliest exit." : "The least sure answers of all.",
                          {}};
    for (int i = 0; i < 12; ++i) {
      const bool wrong = !first && i % 3 == 0;
      gallery.samples.push_back({disc_png(3 + i), "disc", wrong ? "ankle boot" : "disc",
                                 first ? 0 : static_cast<int32_t>(exits) - 1, first ? 9.1 - 0.1 * i : 0.2 + 0.1 * i});
    }
    model.galleries.push_back(gallery);
  }
  model.config = "[network]\nbackbone = \"resnet20\"\nexits = \"fractions:.30,.65\"\n";
  return model;
}

inline ReportData sample_report() {
  ReportData data;
  data.title = "CIFAR-10, ResNet-20 with early exits";
  data.data_set = "cifar10";
  data.split = "test";
  data.split_hash = "8c1f2d3e4b5a6978";
  data.samples = 10000;
  data.version = "0.1.0";
  data.commit = "1234abcd";
  data.cpu = "AMD EPYC, avx2 avx512 bf16 vnni";
  data.created_at = "2025-01-31T12:00:00Z";
  data.command = "sooner report runs/cifar10-1 -o report.html";
  data.models = {sample_report_model("differentiable", 3, 0), sample_report_model("joint", 3, -0.006)};
  data.models[1].notes = {"exit0 lags: its accuracy is 21 points under the last exit's"};
  data.references = {{"plain network", 1, 0.912, {}}};
  data.notes = {"Thresholds were chosen on the split 'tune'; 'test' was read once, for this page."};
  return data;
}

}  // namespace sooner
