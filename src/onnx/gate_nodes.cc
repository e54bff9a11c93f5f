#include "onnx/gate_nodes.h"

#include <cmath>

#include "core/error.h"

namespace sooner {
namespace {

// x . weight^T + rest, [batch, 1].
std::string weighted_sum(OnnxGraph& onnx, const std::string& x, const std::string& weight, const std::string& rest,
                         const std::string& name) {
  const std::string output = onnx.unique(name);
  set_attribute(onnx.node("Gemm", {x, weight, rest}, {output}), "transB", int64_t{1});
  return output;
}

// H(p) / ln C of p = softmax(z), [batch, 1]. Logarithms come from LogSoftmax, so a p of 0 gives 0 and not NaN.
std::string normalised_entropy(OnnxGraph& onnx, const std::string& z, const std::string& minus_inverse_log_classes,
                               const std::string& axis, const std::string& name) {
  const std::string log_p = onnx.unique(name + ".log_p");
  set_attribute(onnx.node("LogSoftmax", {z}, {log_p}), "axis", int64_t{1});
  const std::string terms = onnx.apply("Mul", {onnx.apply("Exp", {log_p}, name + ".p"), log_p}, name + ".terms");
  const std::string sum = onnx.apply("ReduceSum", {terms, axis}, name + ".sum");
  return onnx.apply("Mul", {sum, minus_inverse_log_classes}, name);
}

// [batch, 4], in the order of graph/graph.h.
std::string scores(OnnxGraph& onnx, const GateValues& gate, int64_t classes) {
  const auto name = [&](const char* part) { return gate.prefix + ".scores." + part; };
  const auto integer = [&](const char* part, int64_t value) { return onnx.constant(name(part), std::span(&value, 1)); };
  const std::string axis = integer("axis", 1);
  const std::string zero = integer("zero", 0);
  const std::string two = integer("two", 2);
  const float factor = static_cast<float>(-1 / std::log(static_cast<double>(classes)));
  const std::string scale = onnx.constant(name("minus_inverse_log_classes"), {1}, std::span(&factor, 1));

  const std::string p = onnx.unique(name("p"));
  set_attribute(onnx.node("Softmax", {gate.logits}, {p}), "axis", int64_t{1});
  const std::string largest = onnx.unique(name("two_largest"));
  onnx.node("TopK", {p, two}, {largest, onnx.unique(name("two_largest_at"))});
  const std::string first = onnx.apply("Slice", {largest, zero, axis, axis}, name("largest"));
  const std::string second = onnx.apply("Slice", {largest, axis, two, axis}, name("second"));
  const std::string margin = onnx.apply("Sub", {first, second}, name("margin"));
  const std::string entropy = normalised_entropy(onnx, gate.logits, scale, axis, name("entropy"));
  // p^2 / sum p^2 is the softmax of twice the logits.
  const std::string doubled = onnx.apply("Add", {gate.logits, gate.logits}, name("doubled_logits"));
  const std::string sharpened = normalised_entropy(onnx, doubled, scale, axis, name("sharpened_entropy"));
  const std::string all = onnx.unique(gate.prefix + ".scores");
  set_attribute(onnx.node("Concat", {first, entropy, margin, sharpened}, {all}), "axis", int64_t{1});
  return all;
}

}  // namespace

void add_gate(OnnxGraph& onnx, const GateValues& gate, int64_t classes, const std::string& output) {
  SOONER_ASSERT(!gate.feature_weights.empty() || !gate.score_weights.empty());
  std::string sum = gate.bias;
  if (!gate.feature_weights.empty()) {
    sum = weighted_sum(onnx, gate.features, gate.feature_weights, sum, gate.prefix + ".feature_sum");
  }
  if (!gate.score_weights.empty()) {
    sum = weighted_sum(onnx, scores(onnx, gate, classes), gate.score_weights, sum, gate.prefix + ".logit");
  }
  onnx.node("Sigmoid", {sum}, {output});
}

}  // namespace sooner
