#include "onnx/onnx_export.h"

#include <gmock/gmock.h>
#include <onnx-ml.pb.h>

#include <cstring>

#include "golden/tiny_model.h"
#include "graph/parameters.h"
#include "support/message_of.h"

namespace sooner {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

onnx::ModelProto parsed(const ModelFile& model, OnnxForm form) {
  onnx::ModelProto proto;
  EXPECT_TRUE(proto.ParseFromString(export_onnx(model, form)));
  return proto;
}

std::vector<std::string> output_names(const onnx::ModelProto& proto) {
  std::vector<std::string> names;
  for (const onnx::ValueInfoProto& output : proto.graph().output()) names.push_back(output.name());
  return names;
}

std::vector<std::string> operations(const onnx::ModelProto& proto) {
  std::vector<std::string> names;
  for (const onnx::NodeProto& node : proto.graph().node()) names.push_back(node.op_type());
  return names;
}

const onnx::NodeProto& node_of(const onnx::ModelProto& proto, const std::string& name) {
  for (const onnx::NodeProto& node : proto.graph().node()) {
    if (node.name() == name) return node;
  }
  throw std::out_of_range(name);
}

std::vector<int64_t> integers(const onnx::NodeProto& node, const std::string& name) {
  for (const onnx::AttributeProto& attribute : node.attribute()) {
    if (attribute.name() == name) return {attribute.ints().begin(), attribute.ints().end()};
  }
  return {};
}

std::vector<std::string> extents(const onnx::ValueInfoProto& value) {
  std::vector<std::string> result;
  for (const auto& dim : value.type().tensor_type().shape().dim()) {
    result.push_back(dim.has_dim_param() ? dim.dim_param() : std::to_string(dim.dim_value()));
  }
  return result;
}

// The model of one pooling node on a map of one channel.
ModelFile pooling_model(int64_t rows, int64_t columns, OpKind op, const PoolAttributes& attributes) {
  GraphBuilder b("pooling", {1, rows, columns}, 2);
  const NodeId x = b.append({op, "pool", {0}, attributes});
  ModelFile model;
  model.manifest = made_up_manifest(b.finish(b.linear("fc", b.flatten("flatten", x), 2)));
  model.tensors = made_up_weights(model.manifest.graph);
  return model;
}

TEST(OnnxExport, PlainHoldsTheBackboneAndNothingElse) {
  const onnx::ModelProto proto = parsed(tiny_model(), OnnxForm::kPlain);
  EXPECT_THAT(operations(proto), ElementsAre("Conv", "BatchNormalization", "Relu", "Conv", "Relu", "GlobalAveragePool",
                                             "Flatten", "Gemm"));
  EXPECT_THAT(output_names(proto), ElementsAre("logits"));
  for (const onnx::TensorProto& tensor : proto.graph().initializer()) {
    EXPECT_THAT(tensor.name(), testing::Not(HasSubstr("exits."))) << "an exit's weights are not the backbone's";
  }
}

TEST(OnnxExport, AllExitsAnswersAtEveryExitInOrder) {
  const onnx::ModelProto proto = parsed(tiny_model(), OnnxForm::kAllExits);
  EXPECT_THAT(output_names(proto), ElementsAre("exits.0.logits", "exits.0.gate", "exits.1.logits"));
  EXPECT_THAT(extents(proto.graph().output(0)), ElementsAre("batch", "3"));
  EXPECT_THAT(extents(proto.graph().output(1)), ElementsAre("batch", "1"));
  ASSERT_EQ(proto.graph().input_size(), 1);
  EXPECT_EQ(proto.graph().input(0).name(), "input");
  EXPECT_THAT(extents(proto.graph().input(0)), ElementsAre("batch", "1", "4", "4"));
}

TEST(OnnxExport, SaysWhatItIs) {
  const ModelFile model = tiny_model();
  const onnx::ModelProto proto = parsed(model, OnnxForm::kAllExits);
  EXPECT_EQ(proto.ir_version(), 8);
  ASSERT_EQ(proto.opset_import_size(), 1);
  EXPECT_EQ(proto.opset_import(0).version(), 17);
  std::map<std::string, std::string> metadata;
  for (const auto& entry : proto.metadata_props()) metadata[entry.key()] = entry.value();
  EXPECT_EQ(metadata["sooner.model_hash"], model_hash(model));
  EXPECT_EQ(metadata["sooner.form"], "all-exits");
  EXPECT_EQ(metadata["sooner.mean"], "0.5");
  EXPECT_EQ(metadata["sooner.std"], "0.25");
}

TEST(OnnxExport, WeightsKeepNamesShapesAndBits) {
  const ModelFile model = tiny_model();
  const onnx::ModelProto proto = parsed(model, OnnxForm::kAllExits);
  size_t found = 0;
  for (const onnx::TensorProto& tensor : proto.graph().initializer()) {
    const auto own = model.tensors.find(tensor.name());
    if (own == model.tensors.end()) continue;
    ++found;
    const std::span<const std::byte> bytes = own->second.raw();
    EXPECT_EQ(tensor.raw_data(), std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    EXPECT_EQ(Shape(tensor.dims().begin(), tensor.dims().end()), own->second.shape());
  }
  EXPECT_EQ(found, parameters(model.manifest.graph).size());
}

// 5 rows, kernel 2, stride 2, rounded up: windows at 0, 2, 4, and the last reads row 5, one beyond the end. 4 columns:
// two windows that fit.
TEST(OnnxExport, ARoundedUpPoolIsPaddedAtItsEnd) {
  const onnx::ModelProto proto = parsed(pooling_model(5, 4, OpKind::kMaxPool, pool(2, 2, 0, true)), OnnxForm::kPlain);
  EXPECT_THAT(integers(node_of(proto, "pool"), "pads"), ElementsAre(0, 0, 1, 0));
}

// Kernel 3, stride 2, padding 1 on 4 rows, rounded down: windows at -1 and 1, and the last ends with row 3: the padding
// below is not read.
TEST(OnnxExport, PaddingThatNoWindowReadsIsLeftOut) {
  const onnx::ModelProto proto = parsed(pooling_model(4, 5, OpKind::kAvgPool, pool(3, 2, 1)), OnnxForm::kPlain);
  EXPECT_THAT(integers(node_of(proto, "pool"), "pads"), ElementsAre(1, 1, 0, 1));
}

// 4 rows, kernel 3, stride 3, padding 1, rounded up: windows at -1 and 2, and the last reads rows 2, 3 and 4, the
// padding. 5 columns: windows at -1, 2; reads to 4. 6: windows at -1, 2, 5; the last reads 5, the padding 6, and 7
// beyond it.
TEST(OnnxExport, PaddingThatCountsIsMadeOfZerosOnlyWhereAWindowReachesBeyondIt) {
  PoolAttributes a = pool(3, 3, 1, true);
  a.count_include_pad = true;
  const onnx::ModelProto within = parsed(pooling_model(4, 5, OpKind::kAvgPool, a), OnnxForm::kPlain);
  EXPECT_THAT(operations(within), ElementsAre("AveragePool", "Flatten", "Gemm"));
  EXPECT_THAT(integers(node_of(within, "pool"), "pads"), ElementsAre(1, 1, 1, 0));
  const onnx::ModelProto beyond = parsed(pooling_model(4, 6, OpKind::kAvgPool, a), OnnxForm::kPlain);
  EXPECT_THAT(operations(beyond), ElementsAre("Pad", "AveragePool", "Flatten", "Gemm"));
  EXPECT_THAT(integers(node_of(beyond, "pool"), "pads"), ElementsAre(0, 0, 0, 1));
}

TEST(OnnxExport, ActivationsProductsAndPaddingKeepTheirAttributes) {
  GraphBuilder b("gated", {2, 2, 2}, 2);
  NodeId x = b.pad("pad", b.input(), {.top = 1, .left = 2, .bottom = 3, .right = 4});
  x = b.hard_sigmoid("hard", b.leaky_relu("leaky", x, 0.25), {.alpha = 0.125, .beta = 0.5});
  x = b.mul("product", x, b.sigmoid("sigmoid", x));
  ModelFile model;
  model.manifest = made_up_manifest(b.finish(b.linear("fc", b.flatten("flatten", x), 2)));
  model.tensors = made_up_weights(model.manifest.graph);
  const onnx::ModelProto proto = parsed(model, OnnxForm::kPlain);
  EXPECT_THAT(operations(proto), ElementsAre("Pad", "LeakyRelu", "HardSigmoid", "Sigmoid", "Mul", "Flatten", "Gemm"));
  const auto number = [&](const char* node, int index) { return node_of(proto, node).attribute(index).f(); };
  EXPECT_EQ(number("leaky", 0), 0.25F);
  EXPECT_EQ(number("hard", 0), 0.125F);
  EXPECT_EQ(number("hard", 1), 0.5F);
  for (const onnx::TensorProto& tensor : proto.graph().initializer()) {
    if (tensor.name() != "pad.pads") continue;
    std::vector<int64_t> pads(8);
    ASSERT_EQ(tensor.raw_data().size(), sizeof(int64_t) * pads.size());
    std::memcpy(pads.data(), tensor.raw_data().data(), tensor.raw_data().size());
    EXPECT_THAT(pads, ElementsAre(0, 0, 1, 2, 0, 0, 3, 4));  // of batch, channels, rows, columns: before, then behind
  }
}

// ONNX has an operator for it from operator set 20 on.
TEST(OnnxExport, GeluIsWrittenOut) {
  const auto operations_of = [](bool tanh) {
    GraphBuilder b("gelu", {2, 2, 2}, 2);
    const NodeId x = b.gelu("gelu", b.input(), tanh);
    ModelFile model;
    model.manifest = made_up_manifest(b.finish(b.linear("fc", b.flatten("flatten", x), 2)));
    model.tensors = made_up_weights(model.manifest.graph);
    return operations(parsed(model, OnnxForm::kPlain));
  };
  EXPECT_THAT(operations_of(false), ElementsAre("Div", "Erf", "Add", "Mul", "Mul", "Flatten", "Gemm"));
  EXPECT_THAT(operations_of(true),
              ElementsAre("Mul", "Mul", "Mul", "Add", "Mul", "Tanh", "Add", "Mul", "Mul", "Flatten", "Gemm"));
}

TEST(OnnxExport, ANodeNamedLikeAnotherValueGetsANumber) {
  GraphBuilder b("clash", {1, 2, 2}, 2);
  NodeId x = b.relu("logits", b.input());
  x = b.relu("fc.weight", x);
  ModelFile model;
  model.manifest = made_up_manifest(b.finish(b.linear("fc", b.flatten("flatten", x), 2)));
  model.tensors = made_up_weights(model.manifest.graph);
  const onnx::ModelProto proto = parsed(model, OnnxForm::kPlain);
  std::set<std::string> made;
  for (const onnx::TensorProto& tensor : proto.graph().initializer()) EXPECT_TRUE(made.insert(tensor.name()).second);
  for (const onnx::NodeProto& node : proto.graph().node()) EXPECT_TRUE(made.insert(node.output(0)).second);
  EXPECT_THAT(output_names(proto), ElementsAre("logits"));
  EXPECT_EQ(node_of(proto, "logits").op_type(), "Gemm");
  EXPECT_EQ(node_of(proto, "logits_2").op_type(), "Relu");
}

TEST(OnnxExport, AMissingWeightIsNamed) {
  ModelFile model = tiny_model();
  model.tensors.erase("conv2.weight");
  EXPECT_THAT(message_of(Code::kInvalidArgument, [&] { export_onnx(model, OnnxForm::kPlain); }),
              HasSubstr("'conv2.weight'"));
}

TEST(OnnxExport, TheSameModelGivesTheSameBytes) {
  EXPECT_EQ(export_onnx(tiny_model(), OnnxForm::kAllExits), export_onnx(tiny_model(), OnnxForm::kAllExits));
}

}  // namespace
}  // namespace sooner
