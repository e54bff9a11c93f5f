#include "format/graph_json.h"

#include <limits>
#include <set>

#include "core/error.h"
#include "graph/parameters.h"
#include "graph/validate.h"

namespace sooner {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kMaxExtent = 1 << 16;
constexpr int64_t kMaxClasses = 1 << 20;
constexpr double kLargest = 3.4e38;         // finite in fp32
constexpr int64_t kMaxAttribute = 1 << 20;  // as in shape inference

// Each kind of attributes is described once, by `visit`, for writing and for reading.
template <typename Visitor>
void visit(Conv2dAttributes& a, Visitor& v) {
  v.integer("out_channels", a.out_channels);
  v.integer("kernel_h", a.kernel_h);
  v.integer("kernel_w", a.kernel_w);
  v.integer("stride_h", a.stride_h);
  v.integer("stride_w", a.stride_w);
  v.integer("pad_top", a.pad_top);
  v.integer("pad_left", a.pad_left);
  v.integer("pad_bottom", a.pad_bottom);
  v.integer("pad_right", a.pad_right);
  v.integer("dilation_h", a.dilation_h);
  v.integer("dilation_w", a.dilation_w);
  v.integer("groups", a.groups);
  v.boolean("bias", a.bias);
}

template <typename Visitor>
void visit(LinearAttributes& a, Visitor& v) {
  v.integer("out_features", a.out_features);
  v.boolean("bias", a.bias);
}

template <typename Visitor>
void visit(BatchNormAttributes& a, Visitor& v) {
  v.fraction("epsilon", a.epsilon);
  v.fraction("momentum", a.momentum);
}

template <typename Visitor>
void visit(PoolAttributes& a, Visitor& v) {
  v.integer("kernel_h", a.kernel_h);
  v.integer("kernel_w", a.kernel_w);
  v.integer("stride_h", a.stride_h);
  v.integer("stride_w", a.stride_w);
  v.integer("pad_h", a.pad_h);
  v.integer("pad_w", a.pad_w);
  v.optional_integer("end_pad_h", a.end_pad_h);
  v.optional_integer("end_pad_w", a.end_pad_w);
  v.boolean("ceil_mode", a.ceil_mode);
  v.boolean("count_include_pad", a.count_include_pad);
}

template <typename Visitor>
void visit(LayerNormAttributes& a, Visitor& v) {
  v.fraction("epsilon", a.epsilon);
}

template <typename Visitor>
void visit(ClipAttributes& a, Visitor& v) {
  v.number("low", a.low);
  v.number("high", a.high);
}

template <typename Visitor>
void visit(SliceAttributes& a, Visitor& v) {
  v.integer("begin", a.begin);
  v.integer("end", a.end);
}

template <typename Visitor>
void visit(ChannelShuffleAttributes& a, Visitor& v) {
  v.integer("groups", a.groups);
}

template <typename Visitor>
void visit(LocalResponseNormAttributes& a, Visitor& v) {
  v.integer("size", a.size);
  v.number("alpha", a.alpha);
  v.number("beta", a.beta);
  v.number("bias", a.bias);
}

template <typename Visitor>
void visit(LeakyReluAttributes& a, Visitor& v) {
  v.number("slope", a.slope);
}

template <typename Visitor>
void visit(HardSigmoidAttributes& a, Visitor& v) {
  v.number("alpha", a.alpha);
  v.number("beta", a.beta);
}

template <typename Visitor>
void visit(GeluAttributes& a, Visitor& v) {
  v.boolean("tanh", a.tanh);
}

template <typename Visitor>
void visit(PadAttributes& a, Visitor& v) {
  v.integer("top", a.top);
  v.integer("left", a.left);
  v.integer("bottom", a.bottom);
  v.integer("right", a.right);
}

template <typename Visitor>
void visit(std::monostate& /*none*/, Visitor& /*v*/) {}

struct Writer {
  Json json = Json::object();
  void integer(const char* key, int64_t value) { json[key] = value; }
  void optional_integer(const char* key, std::optional<int64_t> value) {
    if (value) json[key] = *value;
  }
  void boolean(const char* key, bool value) { json[key] = value; }
  void fraction(const char* key, double value) { json[key] = value; }
  void number(const char* key, double value) { json[key] = value; }
};

struct Reader {
  JsonValue value;
  size_t seen = 0;
  void integer(const char* key, int64_t& dst) { dst = value[key].integer(0, kMaxAttribute), ++seen; }
  void optional_integer(const char* key, std::optional<int64_t>& dst) {
    if (value.has(key)) dst = value[key].integer(0, kMaxAttribute), ++seen;
  }
  void boolean(const char* key, bool& dst) { dst = value[key].boolean(), ++seen; }
  void fraction(const char* key, double& dst) { dst = value[key].number(0, 1), ++seen; }
  void number(const char* key, double& dst) { dst = value[key].number(-kLargest, kLargest), ++seen; }
};

Attributes empty_attributes(OpKind op) {
  switch (op) {
    case OpKind::kConv2d:
      return Conv2dAttributes{};
    case OpKind::kLinear:
      return LinearAttributes{};
    case OpKind::kBatchNorm:
      return BatchNormAttributes{};
    case OpKind::kMaxPool:
    case OpKind::kAvgPool:
    case OpKind::kMixedPool:
      return PoolAttributes{};
    case OpKind::kLayerNorm:
      return LayerNormAttributes{};
    case OpKind::kClip:
      return ClipAttributes{};
    case OpKind::kSlice:
      return SliceAttributes{};
    case OpKind::kChannelShuffle:
      return ChannelShuffleAttributes{};
    case OpKind::kLocalResponseNorm:
      return LocalResponseNormAttributes{};
    case OpKind::kLeakyRelu:
      return LeakyReluAttributes{};
    case OpKind::kHardSigmoid:
      return HardSigmoidAttributes{};
    case OpKind::kGelu:
      return GeluAttributes{};
    case OpKind::kPad:
      return PadAttributes{};
    case OpKind::kInput:
    case OpKind::kRelu:
    case OpKind::kGlobalAvgPool:
    case OpKind::kAdd:
    case OpKind::kFlatten:
    case OpKind::kConcat:
    case OpKind::kHardSwish:
    case OpKind::kSigmoid:
    case OpKind::kMul:
      return {};
  }
  return {};
}

std::vector<NodeId> node_ids(const JsonValue& value, size_t max) {
  std::vector<NodeId> ids;
  for (const int64_t id : value.integers(max, 0, int64_t{kMaxNodes} - 1)) ids.push_back(static_cast<NodeId>(id));
  return ids;
}

Node node_from_json(const JsonValue& value) {
  value.require_keys({"op", "name", "inputs", "attributes"});
  Node node;
  const std::string op = value["op"].text();
  try {
    node.op = op_kind_from_string(op);
  } catch (const Error&) {
    value["op"].refuse(fmt::format("operation '{}' is unknown to this version", printable(op)));
  }
  node.name = value["name"].text();
  node.inputs = node_ids(value["inputs"], kMaxInputs);
  node.attributes = empty_attributes(node.op);
  Reader reader{value["attributes"]};
  std::visit([&](auto& attributes) { visit(attributes, reader); }, node.attributes);
  reader.value.require_size(reader.seen);
  return node;
}

Exit exit_from_json(const JsonValue& value) {
  value.require_keys({"name", "head", "features", "logits", "gate"});
  Exit exit;
  exit.name = value["name"].text();
  exit.head = node_ids(value["head"], kMaxNodes);
  exit.features = static_cast<NodeId>(value["features"].integer(0, int64_t{kMaxNodes} - 1));
  exit.logits = static_cast<NodeId>(value["logits"].integer(0, int64_t{kMaxNodes} - 1));
  const JsonValue gate = value["gate"];
  if (!gate.is_null()) {
    gate.require_keys({"features", "scores"});
    exit.gate = Gate{.features = gate["features"].boolean(), .scores = gate["scores"].boolean()};
  }
  return exit;
}

void check_name(std::string_view kind, const std::string& name) {
  if (!is_plain_name(name)) {
    fail(Code::kInvalidArgument, "[graph] '{}' is no {} name (1 to 512 bytes, no control characters)", printable(name),
         kind);
  }
}

}  // namespace

Json graph_to_json(const Graph& graph) {
  Json json;
  json["name"] = graph.name;
  json["input_shape"] = graph.input_shape;
  json["classes"] = graph.classes;
  json["nodes"] = Json::array();
  for (const Node& node : graph.nodes) {
    Writer writer;
    Attributes attributes = node.attributes;
    std::visit([&](auto& a) { visit(a, writer); }, attributes);
    Json entry;
    entry["op"] = to_string(node.op);
    entry["name"] = node.name;
    entry["inputs"] = node.inputs;
    entry["attributes"] = std::move(writer.json);
    json["nodes"].push_back(std::move(entry));
  }
  json["stages"] = Json::array();
  for (const Stage& stage : graph.stages) {
    Json exit;
    exit["name"] = stage.exit.name;
    exit["head"] = stage.exit.head;
    exit["features"] = stage.exit.features;
    exit["logits"] = stage.exit.logits;
    exit["gate"] = nullptr;
    if (stage.exit.gate) {
      exit["gate"] = Json::object();
      exit["gate"]["features"] = stage.exit.gate->features;
      exit["gate"]["scores"] = stage.exit.gate->scores;
    }
    Json entry;
    entry["trunk"] = stage.trunk;
    entry["exit"] = std::move(exit);
    json["stages"].push_back(std::move(entry));
  }
  return json;
}

Graph graph_from_json(const JsonValue& value) {
  value.require_keys({"name", "input_shape", "classes", "nodes", "stages"});
  Graph graph;
  graph.name = value["name"].text();
  graph.input_shape = value["input_shape"].integers(3, 1, kMaxExtent);
  graph.classes = value["classes"].integer(1, kMaxClasses);
  for (const JsonValue& node : value["nodes"].items(kMaxNodes)) graph.nodes.push_back(node_from_json(node));
  for (const JsonValue& item : value["stages"].items(kMaxExits)) {
    item.require_keys({"trunk", "exit"});
    graph.stages.push_back({node_ids(item["trunk"], kMaxNodes), exit_from_json(item["exit"])});
  }
  return graph;
}

void check_graph(const Graph& graph) {
  check_name("network", graph.name);
  if (graph.classes > kMaxClasses) {
    fail(Code::kInvalidArgument, "[graph] got {} classes, expected at most {}", graph.classes, kMaxClasses);
  }
  for (const Node& node : graph.nodes) {
    check_name("node", node.name);
    if (node.name == "sooner" || node.name.starts_with("sooner.")) {
      fail(Code::kInvalidArgument, "[graph] node '{}': names under 'sooner' are kept for the file itself", node.name);
    }
  }
  for (const Stage& stage : graph.stages) check_name("exit", stage.exit.name);
  for (const int64_t extent : graph.input_shape) {
    if (extent < 1 || extent > kMaxExtent) {
      fail(Code::kInvalidArgument, "[graph] got input shape {}, expected extents from 1 to {}",
           to_string(graph.input_shape), kMaxExtent);
    }
  }
  validate(graph);
  std::set<std::string> names;
  for (const ParameterSpec& spec : parameters(graph)) {
    if (!names.insert(spec.name).second) {
      fail(Code::kInvalidArgument, "[graph] two parameters are named '{}'", spec.name);
    }
  }
}

}  // namespace sooner
