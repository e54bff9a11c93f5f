#include "onnx/onnx_export.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "core/error.h"
#include "graph/carry_set.h"
#include "graph/keep_exits.h"
#include "graph/parameters.h"
#include "graph/shape_inference.h"
#include "graph/validate.h"
#include "onnx/gate_nodes.h"
#include "onnx/onnx_graph.h"
#include "onnx/pool_nodes.h"

namespace sooner {
namespace {

// Adds one network's nodes to an ONNX graph, in the order of their ids.
class Exporter {
 public:
  Exporter(const Graph& graph, const TensorMap& tensors, OnnxGraph* onnx)
      : graph_(graph), tensors_(tensors), onnx_(*onnx), shapes_(infer_shapes(graph)), values_(graph.nodes.size()) {}

  void run() {
    reserve_interface();
    onnx_.add_input(value(0), graph_.input_shape);
    for (NodeId id = 1; id < static_cast<NodeId>(graph_.nodes.size()); ++id) add(id);
    for (size_t k = 0; k < graph_.exits(); ++k) add_exit(k);
  }

  // Stage k alone.
  OnnxStage run_stage(size_t k) {
    OnnxStage result;
    const Stage& stage = graph_.stages[k];
    gates_.resize(graph_.exits());
    std::vector<NodeId> from{0};
    if (k > 0) from = carry_set(graph_, k - 1);
    for (const NodeId id : from) {
      values_[static_cast<size_t>(id)] = onnx_.unique(k == 0 ? "input" : "carry." + graph_.node(id).name);
      onnx_.add_input(value(id), shape(id));
      result.inputs.push_back({value(id), shape(id)});
    }
    values_[static_cast<size_t>(stage.exit.logits)] = onnx_.unique("logits");
    if (stage.exit.gate) gates_[k] = onnx_.unique("gate");
    for (const NodeId id : stage.trunk) {
      if (id != 0) add(id);
    }
    for (const NodeId id : stage.exit.head) add(id);
    add_exit(k);
    result.outputs.push_back({"logits", {graph_.classes}});
    if (stage.exit.gate) result.outputs.push_back({"gate", {1}});
    for (const NodeId id : carry_set(graph_, k)) {
      // Named as the next stage reads it, even where this one hands on what it was given.
      const std::string carried = "carry." + graph_.node(id).name;
      if (value(id) == carried) {
        onnx_.add_output(carried, shape(id));
      } else {
        onnx_.node("Identity", {value(id)}, {onnx_.unique(carried)});
        onnx_.add_output(carried, shape(id));
      }
      result.outputs.push_back({carried, shape(id)});
    }
    return result;
  }

 private:
  // The interface gets its names before anything else can take them.
  void reserve_interface() {
    values_[0] = onnx_.unique("input");
    for (size_t k = 0; k < graph_.exits(); ++k) {
      const std::string name = graph_.exits() == 1 ? "logits" : fmt::format("exits.{}.logits", k);
      values_[static_cast<size_t>(graph_.stages[k].exit.logits)] = onnx_.unique(name);
      gates_.push_back(graph_.stages[k].exit.gate ? onnx_.unique(fmt::format("exits.{}.gate", k)) : "");
    }
  }

  const std::string& value(NodeId id) const { return values_[static_cast<size_t>(id)]; }
  const Shape& shape(NodeId id) const { return shapes_[static_cast<size_t>(id)]; }

  const Tensor& tensor(const std::string& name) const {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) fail(Code::kInvalidArgument, "[onnx] the model has no tensor '{}'", name);
    return found->second;
  }

  std::string parameter(const std::string& name) {
    return onnx_.constant(name, tensor(name).shape(), tensor(name).floats());
  }

  // weight, and bias where there is one.
  std::vector<std::string> weighted_inputs(const Node& node, bool bias) {
    std::vector<std::string> inputs{value(node.inputs[0]), parameter(node.name + ".weight")};
    if (bias) inputs.push_back(parameter(node.name + ".bias"));
    return inputs;
  }

  void add(NodeId id) {
    const Node& node = graph_.node(id);
    std::string& output = values_[static_cast<size_t>(id)];
    if (output.empty()) output = onnx_.unique(node.name);
    switch (node.op) {
      case OpKind::kInput:
        fail(Code::kInvalidArgument, "[onnx] node '{}' is a second input", node.name);
      case OpKind::kConv2d:
        return add_conv(node, output);
      case OpKind::kLinear: {
        const bool bias = std::get<LinearAttributes>(node.attributes).bias;
        return set_attribute(onnx_.node("Gemm", weighted_inputs(node, bias), {output}), "transB", int64_t{1});
      }
      case OpKind::kBatchNorm:
        return add_batch_norm(node, output);
      case OpKind::kMaxPool:
      case OpKind::kAvgPool:
      case OpKind::kMixedPool:
        return add_pool(node, shape(node.inputs[0]), shape(id), output);
      case OpKind::kRelu:
        onnx_.node("Relu", {value(node.inputs[0])}, {output});
        return;
      case OpKind::kAdd:
        onnx_.node("Add", {value(node.inputs[0]), value(node.inputs[1])}, {output});
        return;
      case OpKind::kGlobalAvgPool: {
        const std::string map = onnx_.apply("GlobalAveragePool", {value(node.inputs[0])}, output + ".map");
        onnx_.node("Flatten", {map}, {output});
        return;
      }
      case OpKind::kConcat: {
        std::vector<std::string> parts;
        for (const NodeId input : node.inputs) parts.push_back(value(input));
        return set_attribute(onnx_.node("Concat", parts, {output}), "axis", int64_t{1});
      }
      case OpKind::kClip: {
        const auto& a = std::get<ClipAttributes>(node.attributes);
        const auto low = static_cast<float>(a.low), high = static_cast<float>(a.high);
        onnx_.node("Clip",
                   {value(node.inputs[0]), onnx_.constant(output + ".low", {}, std::span(&low, 1)),
                    onnx_.constant(output + ".high", {}, std::span(&high, 1))},
                   {output});
        return;
      }
      case OpKind::kHardSwish:
        onnx_.node("HardSwish", {value(node.inputs[0])}, {output});
        return;
      case OpKind::kLeakyRelu: {
        const auto slope = static_cast<float>(std::get<LeakyReluAttributes>(node.attributes).slope);
        return set_attribute(onnx_.node("LeakyRelu", {value(node.inputs[0])}, {output}), "alpha", slope);
      }
      case OpKind::kSigmoid:
        onnx_.node("Sigmoid", {value(node.inputs[0])}, {output});
        return;
      case OpKind::kHardSigmoid: {
        const auto& a = std::get<HardSigmoidAttributes>(node.attributes);
        onnx::NodeProto& sigmoid = onnx_.node("HardSigmoid", {value(node.inputs[0])}, {output});
        set_attribute(sigmoid, "alpha", static_cast<float>(a.alpha));
        set_attribute(sigmoid, "beta", static_cast<float>(a.beta));
        return;
      }
      case OpKind::kGelu:
        return add_gelu(node, output);
      case OpKind::kMul:
        onnx_.node("Mul", {value(node.inputs[0]), value(node.inputs[1])}, {output});
        return;
      case OpKind::kPad: {
        const auto& a = std::get<PadAttributes>(node.attributes);
        const std::vector<int64_t> pads{0, 0, a.top, a.left, 0, 0, a.bottom, a.right};
        onnx_.node("Pad", {value(node.inputs[0]), onnx_.constant(output + ".pads", pads)}, {output});
        return;
      }
      case OpKind::kSlice:
        return add_slice(node, output);
      case OpKind::kChannelShuffle:
        return add_shuffle(node, output);
      case OpKind::kLocalResponseNorm:
        return add_response_norm(node, output);
      case OpKind::kLayerNorm:
        return add_layer_norm(node, output);
      case OpKind::kFlatten:
        onnx_.node("Flatten", {value(node.inputs[0])}, {output});
        return;
    }
  }

  void add_conv(const Node& node, const std::string& output) {
    const auto& a = std::get<Conv2dAttributes>(node.attributes);
    onnx::NodeProto& conv = onnx_.node("Conv", weighted_inputs(node, a.bias), {output});
    set_attribute(conv, "kernel_shape", {a.kernel_h, a.kernel_w});
    set_attribute(conv, "strides", {a.stride_h, a.stride_w});
    set_attribute(conv, "pads", {a.pad_top, a.pad_left, a.pad_bottom, a.pad_right});
    set_attribute(conv, "dilations", {a.dilation_h, a.dilation_w});
    set_attribute(conv, "group", a.groups);
  }

  // Kept as it is: runtimes fold it into the convolution before it, and the weights stay the file's.
  void add_batch_norm(const Node& node, const std::string& output) {
    std::vector<std::string> inputs{value(node.inputs[0])};
    for (const char* part : {".weight", ".bias", ".running_mean", ".running_var"}) {
      inputs.push_back(parameter(node.name + part));
    }
    onnx::NodeProto& norm = onnx_.node("BatchNormalization", inputs, {output});
    set_attribute(norm, "epsilon", static_cast<float>(std::get<BatchNormAttributes>(node.attributes).epsilon));
  }

  // Written out: ONNX has an operator for it from set 20 on only. In the order that runtimes know and fuse.
  void add_gelu(const Node& node, const std::string& output) {
    const std::string& x = value(node.inputs[0]);
    const auto constant = [&](const char* name, double number) {
      const auto single = static_cast<float>(number);
      return onnx_.constant(output + name, {}, std::span(&single, 1));
    };
    std::string bend;
    if (std::get<GeluAttributes>(node.attributes).tanh) {
      const std::string cube =
          onnx_.apply("Mul", {onnx_.apply("Mul", {x, x}, output + ".square"), x}, output + ".cube");
      const std::string part = onnx_.apply("Mul", {cube, constant(".of_cube", 0.044715)}, output + ".cube_part");
      const std::string sum = onnx_.apply("Add", {x, part}, output + ".sum");
      const std::string scaled =
          onnx_.apply("Mul", {sum, constant(".scale", std::sqrt(2 / std::numbers::pi))}, output + ".scaled");
      bend = onnx_.apply("Tanh", {scaled}, output + ".tanh");
    } else {
      const std::string scaled = onnx_.apply("Div", {x, constant(".root", std::numbers::sqrt2)}, output + ".scaled");
      bend = onnx_.apply("Erf", {scaled}, output + ".erf");
    }
    const std::string doubled = onnx_.apply("Add", {bend, constant(".one", 1)}, output + ".doubled_share");
    const std::string product = onnx_.apply("Mul", {x, doubled}, output + ".product");
    onnx_.node("Mul", {product, constant(".half", 0.5)}, {output});
  }

  void add_slice(const Node& node, const std::string& output) {
    const auto& a = std::get<SliceAttributes>(node.attributes);
    const int64_t axis = 1;
    onnx_.node(
        "Slice",
        {value(node.inputs[0]), onnx_.constant(output + ".begin", std::span(&a.begin, 1)),
         onnx_.constant(output + ".end", std::span(&a.end, 1)), onnx_.constant(output + ".axis", std::span(&axis, 1))},
        {output});
  }

  // Groups and channels within a group change places.
  void add_shuffle(const Node& node, const std::string& output) {
    const Shape& whole = shape(node.inputs[0]);
    const int64_t groups = std::get<ChannelShuffleAttributes>(node.attributes).groups;
    std::vector<int64_t> split{0, groups, whole[0] / groups}, order{0, 2, 1}, joined{0};
    for (size_t i = 1; i < whole.size(); ++i) {
      split.push_back(whole[i]);
      order.push_back(static_cast<int64_t>(i) + 2);
    }
    joined.insert(joined.end(), whole.begin(), whole.end());
    const std::string apart =
        onnx_.apply("Reshape", {value(node.inputs[0]), onnx_.constant(output + ".split", split)}, output + ".groups");
    const std::string swapped = onnx_.unique(output + ".swapped");
    set_attribute(onnx_.node("Transpose", {apart}, {swapped}), "perm", order);
    onnx_.node("Reshape", {swapped, onnx_.constant(output + ".joined", joined)}, {output});
  }

  void add_response_norm(const Node& node, const std::string& output) {
    const auto& a = std::get<LocalResponseNormAttributes>(node.attributes);
    onnx::NodeProto& norm = onnx_.node("LRN", {value(node.inputs[0])}, {output});
    set_attribute(norm, "size", a.size);
    set_attribute(norm, "alpha", static_cast<float>(a.alpha));
    set_attribute(norm, "beta", static_cast<float>(a.beta));
    set_attribute(norm, "bias", static_cast<float>(a.bias));
  }

  void add_layer_norm(const Node& node, const std::string& output) {
    const Shape& features = shape(node.inputs[0]);
    const std::vector<float> ones(static_cast<size_t>(features[0]), 1.0F);
    const std::string scale = onnx_.constant(output + ".scale", features, ones);
    onnx::NodeProto& norm = onnx_.node("LayerNormalization", {value(node.inputs[0]), scale}, {output});
    set_attribute(norm, "axis", int64_t{-1});
    set_attribute(norm, "epsilon", static_cast<float>(std::get<LayerNormAttributes>(node.attributes).epsilon));
  }

  void add_pool(const Node& node, const Shape& src_shape, const Shape& dst_shape, const std::string& output) {
    const PoolNodes pool{std::get<PoolAttributes>(node.attributes), src_shape, dst_shape};
    const std::string& src = value(node.inputs[0]);
    if (node.op == OpKind::kMaxPool) return pool.add_max(onnx_, src, output);
    if (node.op == OpKind::kAvgPool) return pool.add_average(onnx_, src, output);
    const float rest = 1 - tensor(node.name + ".alpha").floats()[0];
    const std::string max = onnx_.unique(output + ".max");
    const std::string average = onnx_.unique(output + ".average");
    pool.add_max(onnx_, src, max);
    pool.add_average(onnx_, src, average);
    const std::string alpha_name = parameter(node.name + ".alpha");
    const std::string rest_name = onnx_.constant(node.name + ".one_minus_alpha", {1}, std::span(&rest, 1));
    const std::string a = onnx_.apply("Mul", {max, alpha_name}, output + ".max_part");
    const std::string b = onnx_.apply("Mul", {average, rest_name}, output + ".average_part");
    onnx_.node("Add", {a, b}, {output});
  }

  void add_exit(size_t k) {
    const Exit& exit = graph_.stages[k].exit;
    onnx_.add_output(value(exit.logits), {graph_.classes});
    if (!exit.gate) return;
    GateValues gate;
    gate.prefix = fmt::format("exits.{}.gate", k);
    gate.features = value(exit.features);
    gate.logits = value(exit.logits);
    gate.bias = parameter(gate_bias_name(k));
    if (exit.gate->features) gate.feature_weights = parameter(gate_features_name(k));
    if (exit.gate->scores) gate.score_weights = parameter(gate_scores_name(k));
    add_gate(onnx_, gate, graph_.classes, gates_[k]);
    onnx_.add_output(gates_[k], {1});
  }

  const Graph& graph_;
  const TensorMap& tensors_;
  OnnxGraph& onnx_;
  std::vector<Shape> shapes_;
  std::vector<std::string> values_;  // [nodes]: the names of their values
  std::vector<std::string> gates_;   // [K]: empty without gate
};

}  // namespace

namespace {

// With the metadata that every form carries.
std::string finished(OnnxGraph& onnx, const ModelFile& file, const std::string& form) {
  const Manifest& manifest = file.manifest;
  onnx.add_metadata("sooner.model_hash", model_hash(file));
  onnx.add_metadata("sooner.form", form);
  onnx.add_metadata("sooner.mean", fmt::format("{}", fmt::join(manifest.preprocessing.mean, ",")));
  onnx.add_metadata("sooner.std", fmt::format("{}", fmt::join(manifest.preprocessing.std, ",")));
  onnx.add_metadata("sooner.channel_order", manifest.preprocessing.channel_order);
  const size_t bytes = onnx.proto().ByteSizeLong();
  if (bytes > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    fail(Code::kFailedPrecondition,
         "[onnx] the file would have {} bytes, and protobuf ends at 2 GiB; export a smaller network", bytes);
  }
  return onnx.proto().SerializeAsString();
}

}  // namespace

std::string export_onnx(const ModelFile& file, OnnxForm form) {
  validate(file.manifest.graph);
  const Graph graph = form == OnnxForm::kPlain ? plain_backbone(file.manifest.graph) : file.manifest.graph;
  OnnxGraph onnx(graph.name);
  Exporter(graph, file.tensors, &onnx).run();
  return finished(onnx, file, form == OnnxForm::kPlain ? "plain" : "all-exits");
}

std::vector<OnnxStage> export_onnx_stages(const ModelFile& file) {
  const Graph& graph = file.manifest.graph;
  validate(graph);
  std::vector<OnnxStage> stages;
  for (size_t k = 0; k < graph.exits(); ++k) {
    OnnxGraph onnx(fmt::format("{}.stage{}", graph.name, k));
    stages.push_back(Exporter(graph, file.tensors, &onnx).run_stage(k));
    stages.back().bytes = finished(onnx, file, fmt::format("stage{}", k));
  }
  return stages;
}

}  // namespace sooner
