#include "onnx/onnx_graph.h"

#include <bit>

#include "core/error.h"

namespace sooner {
namespace {

constexpr int64_t kOperatorSet = 17;
constexpr int64_t kIrVersion = 8;  // the one that came with operator set 17

static_assert(std::endian::native == std::endian::little, "raw_data is little-endian");

onnx::AttributeProto& new_attribute(onnx::NodeProto& node, const char* name, onnx::AttributeProto::AttributeType type) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(type);
  return attribute;
}

void describe(onnx::ValueInfoProto& value, const std::string& name, const Shape& shape) {
  value.set_name(name);
  onnx::TypeProto::Tensor& tensor = *value.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(onnx::TensorProto::FLOAT);
  tensor.mutable_shape()->add_dim()->set_dim_param("batch");
  for (const int64_t extent : shape) tensor.mutable_shape()->add_dim()->set_dim_value(extent);
}

template <typename T>
onnx::TensorProto& add_initializer(onnx::GraphProto& graph, const std::string& name, int32_t type, const Shape& shape,
                                   std::span<const T> values) {
  SOONER_ASSERT(element_count(shape) == static_cast<int64_t>(values.size()));
  onnx::TensorProto& tensor = *graph.add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(type);
  for (const int64_t extent : shape) tensor.add_dims(extent);
  const std::span<const std::byte> bytes = std::as_bytes(values);
  tensor.set_raw_data(bytes.data(), bytes.size());
  return tensor;
}

}  // namespace

OnnxGraph::OnnxGraph(const std::string& name) {
  model_.set_ir_version(kIrVersion);
  model_.set_producer_name("sooner");
  model_.add_opset_import()->set_version(kOperatorSet);
  model_.mutable_graph()->set_name(name.empty() ? "network" : name);
}

std::string OnnxGraph::unique(const std::string& wanted) {
  std::string name = wanted;
  for (int number = 2; !names_.insert(name).second; ++number) name = fmt::format("{}_{}", wanted, number);
  return name;
}

void OnnxGraph::add_input(const std::string& name, const Shape& shape) {
  describe(*model_.mutable_graph()->add_input(), name, shape);
}

void OnnxGraph::add_output(const std::string& name, const Shape& shape) {
  describe(*model_.mutable_graph()->add_output(), name, shape);
}

std::string OnnxGraph::constant(const std::string& name, const Shape& shape, std::span<const float> values) {
  return add_initializer(*model_.mutable_graph(), unique(name), onnx::TensorProto::FLOAT, shape, values).name();
}

std::string OnnxGraph::constant(const std::string& name, std::span<const int64_t> values) {
  const Shape shape{static_cast<int64_t>(values.size())};
  return add_initializer(*model_.mutable_graph(), unique(name), onnx::TensorProto::INT64, shape, values).name();
}

onnx::NodeProto& OnnxGraph::node(const char* op, const std::vector<std::string>& inputs,
                                 const std::vector<std::string>& outputs) {
  onnx::NodeProto& node = *model_.mutable_graph()->add_node();
  node.set_op_type(op);
  node.set_name(outputs.at(0));
  for (const std::string& input : inputs) node.add_input(input);
  for (const std::string& output : outputs) node.add_output(output);
  return node;
}

std::string OnnxGraph::apply(const char* op, const std::vector<std::string>& inputs, const std::string& wanted) {
  const std::string output = unique(wanted);
  node(op, inputs, {output});
  return output;
}

void OnnxGraph::add_metadata(const std::string& key, const std::string& value) {
  onnx::StringStringEntryProto& entry = *model_.add_metadata_props();
  entry.set_key(key);
  entry.set_value(value);
}

void set_attribute(onnx::NodeProto& node, const char* name, int64_t value) {
  new_attribute(node, name, onnx::AttributeProto::INT).set_i(value);
}

void set_attribute(onnx::NodeProto& node, const char* name, float value) {
  new_attribute(node, name, onnx::AttributeProto::FLOAT).set_f(value);
}

void set_attribute(onnx::NodeProto& node, const char* name, const std::vector<int64_t>& values) {
  onnx::AttributeProto& attribute = new_attribute(node, name, onnx::AttributeProto::INTS);
  for (const int64_t value : values) attribute.add_ints(value);
}

}  // namespace sooner
