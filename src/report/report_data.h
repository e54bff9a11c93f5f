// What a report shows, as plain values: whoever measured them fills these in, html_report draws them.
//
// Nothing here is computed. A NaN stands for "not known" and is drawn as a dash; empty lists leave their chart or table
// out. Accuracies and shares are in [0, 1], costs are fractions of the plain network's MACs, exits go from the earliest
// to the last. Text is UTF-8 and may hold anything: the page escapes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "eval/class_outcome.h"

namespace sooner {

inline constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

struct ReportPoint {
  std::string label;  // how it was chosen: "accuracy-drop 0.003", "plain network"
  double cost_fraction = kUnknown;
  double accuracy = kUnknown;
  std::vector<double> shares = {};  // [K], or empty where nothing leaves early
  // Of a curve: the line goes through it, since no other point beats it on the samples that points were chosen on. What
  // is shown is measured on others, among which nothing may be chosen.
  bool front = false;
};

// One stage of the network and the exit it ends at.
struct ReportStage {
  std::string exit_name;
  std::string layers;  // of the trunk, for people: "conv1 bn1 relu1 layer1.0"
  std::string head;    // of the head: "conv 64, bn, relu, gap, fc"
  std::string shape;   // of the value at the end of the trunk: "16x32x32"
  double trunk_macs = kUnknown;
  double head_macs = kUnknown;      // gate included
  double cost_fraction = kUnknown;  // of answering here, C_k
  std::string threshold;            // in the policy's words: "p >= 0.92", "always"; empty: none
  bool has_gate = false;
  double share = kUnknown;          // that leaves here at the operating point
  double accuracy = kUnknown;       // answering everything
  double accuracy_here = kUnknown;  // of those that leave here
  double ece = kUnknown;            // expected calibration error, [0, 1]
  double brier = kUnknown;          // [0, 2]
  double failure_auroc = kUnknown;  // do scores rank right answers above wrong ones
};

// One line of a training chart. Series of one chart share its axes.
struct ReportSeries {
  std::string chart;  // "accuracy", "loss", "learning rate": one chart each, in order of first appearance
  std::string name;   // "exit0 validation"
  std::vector<double> epochs = {};
  std::vector<double> values = {};  // as many as epochs
};

struct ReportLatency {
  std::string name;       // "early exits", "plain network"
  std::string backend;    // "onednn"
  std::string precision;  // "fp32"
  int64_t batch = 1;
  int64_t threads = 1;
  double median_us = kUnknown;  // per image
  double p99_us = kUnknown;     // per image
  double ratio = kUnknown;      // of the median to the plain network's of the same batch and precision
};

struct ReportSample {
  std::vector<std::byte> png = {};  // a whole PNG file (data/png.h makes one)
  std::string label;                // the right answer
  std::string predicted;
  int32_t exit_index = 0;
  double score = kUnknown;  // the policy's, at the exit taken
};

// A row of pictures under one heading: "Left first at exit0", "Went to the last exit".
struct ReportGallery {
  std::string title;
  std::string note;
  std::vector<ReportSample> samples = {};
};

struct ReportModel {
  std::string name;              // "differentiable, seed 1"
  std::string description;       // one or two sentences: backbone, exits, regime, epochs
  double plain_macs = kUnknown;  // C_k = 1 means this many
  double parameters = kUnknown;
  std::vector<ReportStage> stages = {};             // [K]
  std::vector<ReportPoint> curve = {};              // cheapest first
  std::optional<ReportPoint> operating_point = {};  // the tuned one
  std::string policy;                               // "max-prob, temperatures 1.2 1.0"
  std::vector<ReportSeries> training = {};
  std::vector<ReportLatency> latency = {};
  std::vector<ReportPoint> timed = {};  // cost_fraction: measured microseconds per image
  // Of a page whose points stand in `cost_unit`: this unit over the plain network's MACs.
  double cost_scale = 1;
  std::vector<ClassOutcome> classes = {};  // at the operating point
  std::vector<ReportGallery> galleries = {};
  std::string config;                   // TOML, shown as it is
  std::vector<std::string> notes = {};  // said beside the model: "exit0 starves: …"
};

// A table as it is shown: the page adds nothing to its texts.
struct ReportTable {
  std::string caption;
  std::vector<std::string> columns = {};
  std::vector<std::vector<std::string>> rows = {};  // the first cell names the row
  std::vector<std::string> notes = {};
};

struct ReportData {
  std::string title;
  std::string data_set;  // "fashion-mnist"
  std::string split;     // "test"
  std::string split_hash;
  int64_t samples = 0;
  std::string version;  // of sooner
  std::string commit;
  std::string cpu;         // name and instruction sets
  std::string created_at;  // ISO 8601, UTC
  std::string command;     // that wrote the report
  // In what the costs of curves, operating points and references are given; empty: as fractions of the plain network's
  // MACs, which only networks of one backbone share.
  std::string cost_unit;
  std::vector<ReportModel> models = {};
  std::vector<ReportPoint> references = {};  // plain network, published figures
  std::vector<std::string> notes = {};
  std::vector<ReportTable> tables = {};  // before everything else
};

}  // namespace sooner
