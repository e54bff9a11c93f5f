// The gate of one exit as ONNX nodes; graph/graph.h has the formula.
#pragma once

#include <string>

#include "onnx/onnx_graph.h"

namespace sooner {

// Names of the values a gate reads.
struct GateValues {
  std::string prefix;           // of the values it makes
  std::string features;         // [batch, F]
  std::string logits;           // [batch, classes]
  std::string feature_weights;  // [1, F]; empty when it reads no features
  std::string score_weights;    // [1, 4]; empty when it reads no scores
  std::string bias;             // [1]
};

// `output` [batch, 1] becomes the gate after its sigmoid. REQUIRES: it reads features, scores or both; classes >= 2.
void add_gate(OnnxGraph& onnx, const GateValues& gate, int64_t classes, const std::string& output);

}  // namespace sooner
