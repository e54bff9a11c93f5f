#include "onnx/onnx_import.h"

#include <gmock/gmock.h>

#include <fstream>

#include "core/rng.h"
#include "format/new_model.h"
#include "onnx/onnx_export.h"
#include "onnx/onnx_graph.h"
#include "support/error_of.h"
#include "support/long_run.h"
#include "support/random_weights.h"
#include "support/temp_folder.h"
#include "zoo/zoo.h"

namespace sooner {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A file while it is written: images [2, 4, 4], and whatever a test puts behind them.
class Writer {
 public:
  explicit Writer(const Shape& images = {2, 4, 4}) : graph_("written") {
    graph_.add_input(graph_.unique("images"), images);
  }

  std::string floats(const std::string& name, const Shape& shape, float value = 0.5F) {
    const std::vector<float> values(static_cast<size_t>(element_count(shape)), value);
    return graph_.constant(name, shape, values);
  }
  std::string integers(const std::string& name, const std::vector<int64_t>& values) {
    return graph_.constant(name, values);
  }
  onnx::NodeProto& add(const char* op, const std::vector<std::string>& inputs, const std::string& output) {
    return graph_.node(op, inputs, {graph_.unique(output)});
  }
  std::string conv(const std::string& name, const std::string& src, int64_t in, int64_t out) {
    add("Conv", {src, floats(name + ".weight", {out, in, 1, 1}), floats(name + ".bias", {out})}, name + "_out");
    return name + "_out";
  }
  // Behind a map of `channels` channels.
  void classify(const std::string& src, int64_t channels, int64_t classes = 3) {
    add("GlobalAveragePool", {src}, "pooled");
    add("Flatten", {"pooled"}, "flat");
    set_attribute(
        add("Gemm", {"flat", floats("fc.weight", {classes, channels}), floats("fc.bias", {classes})}, "logits"),
        "transB", int64_t{1});
    graph_.add_output("logits", {classes});
  }
  void answer(const std::string& name) { graph_.add_output(name, {3}); }
  [[nodiscard]] onnx::ModelProto proto() const { return graph_.proto(); }

 private:
  OnnxGraph graph_;
};

ImportedNetwork imported(const onnx::ModelProto& proto, const ImportOptions& options = {},
                         const std::filesystem::path& folder = {}) {
  const std::string bytes = proto.SerializeAsString();
  return import_onnx(std::as_bytes(std::span(bytes)), "net.onnx", folder, options);
}

// One convolution and the classifier.
Writer small() {
  Writer file;
  file.classify(file.conv("conv1", "images", 2, 4), 4);
  return file;
}

std::vector<std::string> described(const Graph& graph) {
  std::vector<std::string> nodes;
  for (const Node& node : graph.nodes) nodes.push_back(fmt::format("{} {}", to_string(node.op), node.name));
  return nodes;
}

std::string refusal(const onnx::ModelProto& proto, Code code, const ImportOptions& options = {},
                    const std::filesystem::path& folder = {}) {
  const Error error = error_of([&] { imported(proto, options, folder); });
  EXPECT_EQ(error.code(), code) << error.what();
  EXPECT_THAT(error.what(), HasSubstr("[import] 'net.onnx'"));
  return error.what();
}

TEST(OnnxImport, NamesNodesAfterTheirWeights) {
  const ImportedNetwork network = imported(small().proto());
  EXPECT_THAT(described(network.graph),
              ElementsAre("input input", "conv2d conv1", "global_avg_pool pooled", "linear fc"));
  EXPECT_EQ(network.graph.classes, 3);
  EXPECT_THAT(network.tensors, testing::SizeIs(4));
  EXPECT_TRUE(network.tensors.contains("conv1.weight"));
}

TEST(OnnxImport, NamesNodesWithoutWeightsAfterTheirModule) {
  Writer file;
  const std::string x = file.conv("conv1", "images", 2, 4);
  file.add("Relu", {x}, "relu_out").set_name("/layer1/layer1.0/relu/Relu");
  file.classify("relu_out", 4);
  EXPECT_THAT(described(imported(file.proto()).graph), testing::Contains("relu layer1.0.relu"));
}

TEST(OnnxImport, FollowsAChannelShuffleThroughComputedShapes) {
  Writer file;
  const std::string x = file.conv("conv1", "images", 2, 6);
  file.add("Shape", {x}, "shape");
  file.add("Gather", {"shape", file.integers("first", {0})}, "batch");
  file.add("Gather", {"shape", file.integers("second", {1})}, "channels");
  file.add("Div", {"channels", file.integers("two", {2})}, "half");
  set_attribute(file.add("Concat", {"batch", "two", "half", file.integers("places", {4, 4})}, "apart_shape"), "axis",
                int64_t{0});
  file.add("Reshape", {x, "apart_shape"}, "apart");
  set_attribute(file.add("Transpose", {"apart"}, "swapped"), "perm", std::vector<int64_t>{0, 2, 1, 3, 4});
  file.add("Reshape", {"swapped", file.integers("joined_shape", {-1, 6, 4, 4})}, "joined");
  file.classify("joined", 6);
  const Graph graph = imported(file.proto()).graph;
  EXPECT_THAT(described(graph), ElementsAre("input input", "conv2d conv1", "channel_shuffle joined",
                                            "global_avg_pool pooled", "linear fc"));
  EXPECT_EQ(std::get<ChannelShuffleAttributes>(graph.nodes[2].attributes).groups, 2);
}

// As tf2onnx writes it.
TEST(OnnxImport, FollowsAChannelShuffleWithChannelsLast) {
  Writer file;
  const std::string x = file.conv("conv1", "images", 2, 6);
  set_attribute(file.add("Transpose", {x}, "last"), "perm", std::vector<int64_t>{0, 2, 3, 1});
  file.add("Reshape", {"last", file.integers("apart_shape", {-1, 4, 4, 3, 2})}, "apart");
  set_attribute(file.add("Transpose", {"apart"}, "swapped"), "perm", std::vector<int64_t>{0, 1, 2, 4, 3});
  file.add("Reshape", {"swapped", file.integers("joined_shape", {-1, 4, 4, 6})}, "joined");
  file.add("Slice", {"joined", file.integers("from", {2}), file.integers("to", {6}), file.integers("axis", {3})},
           "part");
  set_attribute(file.add("Transpose", {"part"}, "first"), "perm", std::vector<int64_t>{0, 3, 1, 2});
  file.classify("first", 4);
  const Graph graph = imported(file.proto()).graph;
  EXPECT_THAT(described(graph), ElementsAre("input input", "conv2d conv1", "channel_shuffle joined", "slice part",
                                            "global_avg_pool pooled", "linear fc"));
  EXPECT_EQ(std::get<ChannelShuffleAttributes>(graph.nodes[2].attributes).groups, 3);
}

TEST(OnnxImport, RefusesWhatReadsChannelsApart) {
  const auto behind = [](const std::vector<int64_t>& extents, int64_t axis) {
    Writer file;
    const std::string x = file.conv("conv1", "images", 2, 6);
    set_attribute(file.add("Transpose", {x}, "last"), "perm", std::vector<int64_t>{0, 2, 3, 1});
    file.add("Reshape", {"last", file.integers("apart_shape", extents)}, "apart");
    file.add("Slice", {"apart", file.integers("from", {0}), file.integers("to", {2}), file.integers("axis", {axis})},
             "part");
    file.classify("part", 6);
    return refusal(file.proto(), Code::kUnimplemented);
  };
  EXPECT_THAT(behind({-1, 4, 4, 3, 2}, 3), HasSubstr("'part' (Slice): stands inside a channel shuffle"));
  // Features in the order of places: the first two are not the first two channels.
  EXPECT_THAT(behind({-1, 96}, 1), HasSubstr("'part' (Slice): takes a part along axis 1"));
  EXPECT_THAT(behind({-1, 4, 2, 12}, 3), HasSubstr("'apart' (Reshape): sees extents 4x4x6 of a map with channels"));
}

TEST(OnnxImport, TurnsChannelsLastRoundAndALinearLayersColumnsWithIt) {
  Writer file({4, 4, 2});  // rows, columns, channels
  set_attribute(file.add("Transpose", {"images"}, "first"), "perm", std::vector<int64_t>{0, 3, 1, 2});
  set_attribute(file.add("Transpose", {"first"}, "last"), "perm", std::vector<int64_t>{0, 2, 3, 1});
  file.add("Reshape", {"last", file.integers("flat_shape", {-1, 32})}, "flat");
  std::vector<float> weight(32);
  for (size_t i = 0; i < weight.size(); ++i) weight[i] = static_cast<float>(i);
  onnx::ModelProto proto = file.proto();
  OnnxGraph rest("rest");
  rest.constant("w", {32, 1}, weight);
  *proto.mutable_graph()->add_initializer() = rest.proto().graph().initializer(0);
  onnx::NodeProto& product = *proto.mutable_graph()->add_node();
  product.set_op_type("MatMul");
  product.add_input("flat");
  product.add_input("w");
  product.add_output("logits");
  proto.mutable_graph()->add_output()->set_name("logits");
  proto.mutable_graph()->mutable_output(0)->mutable_type()->mutable_tensor_type()->set_elem_type(1);
  const ImportedNetwork network = imported(proto);
  EXPECT_EQ(network.graph.input_shape, (Shape{2, 4, 4}));
  EXPECT_THAT(network.notes, ElementsAre(HasSubstr("channels last")));
  const auto columns = network.tensors.begin()->second.floats();
  // Ours is channel 0 place 0, channel 0 place 1, …: ONNX had place 0 channel 0, place 0 channel 1.
  EXPECT_EQ(columns[0], 0);
  EXPECT_EQ(columns[1], 2);
  EXPECT_EQ(columns[16], 1);
}

TEST(OnnxImport, ReadsASlopeForEachChannel) {
  Writer file;
  file.add("PRelu", {file.conv("conv1", "images", 2, 4), file.floats("slope", {4, 1, 1}, 0.25F)}, "bent");
  file.classify("bent", 4);
  const ImportedNetwork network = imported(file.proto());
  EXPECT_THAT(
      described(network.graph),
      ElementsAre("input input", "conv2d conv1", "relu bent.positive", "batch_norm bent.turned", "relu bent.negative",
                  "batch_norm bent.slopes", "add bent", "global_avg_pool pooled", "linear fc"));
  EXPECT_THAT(network.tensors.at("bent.turned.weight").floats(), testing::Each(-1.0F));
  EXPECT_THAT(network.tensors.at("bent.slopes.weight").floats(), testing::Each(-0.25F));
  EXPECT_THAT(network.tensors.at("bent.slopes.bias").floats(), testing::Each(0.0F));
  Writer rows;
  rows.add("PRelu", {rows.conv("conv1", "images", 2, 4), rows.floats("slope", {4}, 0.25F)}, "bent");
  rows.classify("bent", 4);
  EXPECT_THAT(refusal(rows.proto(), Code::kUnimplemented), HasSubstr("slopes of extents 4 for a value of 4x4x4"));
}

TEST(OnnxImport, MakesANormalisationOfNumbersForEachChannel) {
  Writer file;
  file.add("Sub", {"images", file.floats("mean", {1, 2, 1, 1}, 0.25F)}, "centred");
  file.add("Div", {"centred", file.floats("deviation", {}, 0.5F)}, "scaled");
  file.classify("scaled", 2);
  const ImportedNetwork network = imported(file.proto());
  EXPECT_THAT(described(network.graph), ElementsAre("input input", "batch_norm centred", "batch_norm scaled",
                                                    "global_avg_pool pooled", "linear fc"));
  EXPECT_EQ(network.tensors.at("centred.bias").floats()[0], -0.25F);
  EXPECT_EQ(network.tensors.at("scaled.weight").floats()[1], 2.0F);
}

TEST(OnnxImport, LeavesOutASoftmaxAtTheEndAndSaysSo) {
  Writer file;
  file.classify(file.conv("conv1", "images", 2, 4), 4);
  onnx::ModelProto proto = file.proto();
  onnx::NodeProto& softmax = *proto.mutable_graph()->add_node();
  softmax.set_op_type("Softmax");
  softmax.add_input("logits");
  softmax.add_output("probabilities");
  proto.mutable_graph()->mutable_output(0)->set_name("probabilities");
  const ImportedNetwork network = imported(proto);
  EXPECT_EQ(network.graph.nodes.back().op, OpKind::kLinear);
  EXPECT_THAT(network.notes, ElementsAre(HasSubstr("left out")));
}

TEST(OnnxImport, MakesALinearLayerOfAConvolutionThatAnswers) {
  Writer file;
  const std::string x = file.conv("conv1", "images", 2, 4);
  file.add("GlobalAveragePool", {x}, "pooled");
  file.conv("classifier", "pooled", 4, 3);
  file.add("Flatten", {"classifier_out"}, "logits");
  file.answer("logits");
  const ImportedNetwork network = imported(file.proto());
  EXPECT_THAT(described(network.graph),
              ElementsAre("input input", "conv2d conv1", "global_avg_pool pooled", "linear classifier"));
  EXPECT_EQ(network.tensors.at("classifier.weight").shape(), (Shape{3, 4}));
}

TEST(OnnxImport, TakesWeightsThatAreListedAsInputs) {
  onnx::ModelProto proto = small().proto();
  for (const onnx::TensorProto& weight : proto.graph().initializer()) {
    proto.mutable_graph()->add_input()->set_name(weight.name());
  }
  EXPECT_EQ(imported(proto).graph.nodes.size(), 4U);
}

TEST(OnnxImport, ReadsNodesThatStandInAnyOrder) {
  onnx::ModelProto proto = small().proto();
  auto& nodes = *proto.mutable_graph()->mutable_node();
  std::reverse(nodes.begin(), nodes.end());
  EXPECT_EQ(imported(proto).graph.nodes.size(), 4U);
}

TEST(OnnxImport, AsksForExtentsThatTheFileLeavesOpen) {
  onnx::ModelProto proto = small().proto();
  auto& dims = *proto.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape();
  dims.mutable_dim(2)->set_dim_param("rows");
  dims.mutable_dim(3)->set_dim_param("columns");
  EXPECT_THAT(refusal(proto, Code::kInvalidArgument), HasSubstr("[?, 2, ?, ?]; say which with --input-shape"));
  EXPECT_EQ(imported(proto, {.input_shape = Shape{2, 8, 6}}).graph.input_shape, (Shape{2, 8, 6}));
  EXPECT_THAT(refusal(proto, Code::kInvalidArgument, {.input_shape = Shape{3, 8, 6}}), HasSubstr("says 3x8x6"));
}

TEST(OnnxImport, AsksWhichOfSeveralOutputsAnswers) {
  onnx::ModelProto proto = small().proto();
  proto.mutable_graph()->add_output()->set_name("conv1_out");
  proto.mutable_graph()->mutable_output(1)->mutable_type()->mutable_tensor_type();
  EXPECT_THAT(refusal(proto, Code::kInvalidArgument), HasSubstr("2 outputs (logits, conv1_out)"));
  EXPECT_EQ(imported(proto, {.output = "logits"}).graph.classes, 3);
  EXPECT_THAT(refusal(proto, Code::kInvalidArgument, {.output = "logit"}), HasSubstr("did you mean 'logits'?"));
  EXPECT_THAT(refusal(proto, Code::kUnimplemented, {.output = "conv1_out"}), HasSubstr("expected a vector"));
}

TEST(OnnxImport, NamesTheNodeAndTheNearestFormOfWhatItDoesNotRead) {
  const auto with = [](const char* op) {
    Writer file;
    file.add(op, {"images"}, "odd").set_name("the odd one");
    file.classify("odd", 2);
    return refusal(file.proto(), Code::kUnimplemented);
  };
  EXPECT_THAT(with("Tanh"), HasSubstr("node 'the odd one' (Tanh): is not read; of activations Relu, Clip"));
  EXPECT_THAT(with("DequantizeLinear"), HasSubstr("import the fp32 one and use sooner quantize"));
  EXPECT_THAT(with("If"), HasSubstr("control flow"));
  EXPECT_THAT(with("Convv"), HasSubstr("did you mean 'Conv'?"));
  onnx::ModelProto proto = small().proto();
  proto.mutable_graph()->mutable_node(0)->set_domain("com.example");
  EXPECT_THAT(refusal(proto, Code::kUnimplemented), HasSubstr("is of 'com.example'"));
  proto = small().proto();
  set_attribute(*proto.mutable_graph()->mutable_node(0), "twist", int64_t{1});
  EXPECT_THAT(refusal(proto, Code::kUnimplemented), HasSubstr("attribute 'twist' is not known"));
}

// A change of the small network, and part of what is said about it.
struct Hostile {
  const char* name;
  void (*change)(onnx::ModelProto& proto);
  Code code;
  const char* said;
};

onnx::TensorProto& weight(onnx::ModelProto& proto) { return *proto.mutable_graph()->mutable_initializer(0); }

const Hostile kHostile[] = {
    {"Cycle", [](onnx::ModelProto& p) { p.mutable_graph()->mutable_node(0)->set_input(0, "pooled"); }, Code::kDataLoss,
     "part of a cycle"},
    {"OwnResult", [](onnx::ModelProto& p) { p.mutable_graph()->mutable_node(1)->set_input(0, "pooled"); },
     Code::kDataLoss, "part of a cycle"},
    {"MissingWeight", [](onnx::ModelProto& p) { p.mutable_graph()->mutable_initializer()->DeleteSubrange(0, 1); },
     Code::kDataLoss, "reads 'conv1.weight', which nothing gives"},
    {"TwoWeightsOfAName", [](onnx::ModelProto& p) { weight(p).set_name("conv1.bias"); }, Code::kDataLoss,
     "two initializers named 'conv1.bias'"},
    {"HugeExtents", [](onnx::ModelProto& p) { weight(p).set_dims(0, int64_t{1} << 62); }, Code::kDataLoss,
     "expected at most 2^31 elements"},
    {"NegativeExtent", [](onnx::ModelProto& p) { weight(p).set_dims(0, -4); }, Code::kDataLoss, "an extent of -4"},
    {"TooFewBytes", [](onnx::ModelProto& p) { weight(p).mutable_raw_data()->resize(7); }, Code::kDataLoss,
     "has 7 bytes, expected 32"},
    {"HalfPrecision", [](onnx::ModelProto& p) { weight(p).set_data_type(onnx::TensorProto::FLOAT16); },
     Code::kUnimplemented, "is of type FLOAT16"},
    {"NotANumber", [](onnx::ModelProto& p) { weight(p).set_raw_data(std::string(32, '\xff')); }, Code::kDataLoss,
     "holds values that are no numbers"},
    {"WeightsThatDoNotFit",
     [](onnx::ModelProto& p) {
       weight(p).set_dims(0, 2);
       weight(p).set_dims(1, 4);
     },
     Code::kDataLoss, "do not fit 2 channels"},
    {"AttributeOfAnotherType",
     [](onnx::ModelProto& p) { set_attribute(*p.mutable_graph()->mutable_node(0), "group", 1.0F); }, Code::kDataLoss,
     "attribute 'group' is of another type"},
    {"NegativePads",
     [](onnx::ModelProto& p) {
       set_attribute(*p.mutable_graph()->mutable_node(0), "pads", std::vector<int64_t>{-1, 0, 0, 0});
     },
     Code::kUnimplemented, "pads holds -1"},
    {"HugeStrides",
     [](onnx::ModelProto& p) {
       set_attribute(*p.mutable_graph()->mutable_node(0), "strides", std::vector<int64_t>{int64_t{1} << 60, 1});
     },
     Code::kDataLoss, "strides holds"},
    {"HugeGroups",
     [](onnx::ModelProto& p) { set_attribute(*p.mutable_graph()->mutable_node(0), "group", int64_t{1} << 62); },
     Code::kDataLoss, "groups do not fit 2 channels"},
    {"NoOutput", [](onnx::ModelProto& p) { p.mutable_graph()->clear_output(); }, Code::kDataLoss, "has no output"},
    {"NoNode", [](onnx::ModelProto& p) { p.mutable_graph()->clear_node(); }, Code::kDataLoss, "has no node"},
    {"TwoInputs",
     [](onnx::ModelProto& p) {
       *p.mutable_graph()->add_input() = p.graph().input(0), p.mutable_graph()->mutable_input(1)->set_name("more");
     },
     Code::kUnimplemented, "2 inputs (images, more)"},
    {"IntegerImages",
     [](onnx::ModelProto& p) {
       p.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(2);
     },
     Code::kUnimplemented, "is not of type FLOAT"},
    {"OldOperators", [](onnx::ModelProto& p) { p.mutable_opset_import(0)->set_version(3); }, Code::kUnimplemented,
     "operator set 3, expected 7 to"},
    {"Functions", [](onnx::ModelProto& p) { p.add_functions()->set_name("own"); }, Code::kUnimplemented,
     "functions of its own ('own')"},
    {"TwoWriters", [](onnx::ModelProto& p) { p.mutable_graph()->mutable_node(1)->set_output(0, "conv1_out"); },
     Code::kDataLoss, "which has a value already"},
    {"NoWeightsAtAll",
     [](onnx::ModelProto& p) {
       p.mutable_graph()->mutable_node(0)->mutable_input()->RemoveLast(),
           p.mutable_graph()->mutable_node(0)->mutable_input()->RemoveLast();
     },
     Code::kDataLoss, "has no input 1"},
    {"EndsInAMap", [](onnx::ModelProto& p) { p.mutable_graph()->mutable_output(0)->set_name("conv1_out"); },
     Code::kUnimplemented, "expected a vector"},
    {"ControlCharacters",
     [](onnx::ModelProto& p) {
       p.mutable_graph()->mutable_node(0)->set_name("two\nlines");
       p.mutable_graph()->mutable_node(0)->set_op_type("Odd\n");
     },
     Code::kUnimplemented, "node 'two?lines' (Odd?)"},
};

class HostileOnnx : public testing::TestWithParam<Hostile> {};

TEST_P(HostileOnnx, IsRefusedByName) {
  onnx::ModelProto proto = small().proto();
  GetParam().change(proto);
  EXPECT_THAT(refusal(proto, GetParam().code), HasSubstr(GetParam().said));
}

INSTANTIATE_TEST_SUITE_P(Files, HostileOnnx, testing::ValuesIn(kHostile),
                         [](const auto& each) { return std::string(each.param.name); });

// The first weight lies in another file.
onnx::ModelProto with_external(const std::string& location, const std::string& offset, const std::string& length) {
  onnx::ModelProto proto = small().proto();
  weight(proto).clear_raw_data();
  weight(proto).set_data_location(onnx::TensorProto::EXTERNAL);
  const std::pair<const char*, std::string> entries[] = {
      {"location", location}, {"offset", offset}, {"length", length}};
  for (const auto& [key, value] : entries) {
    if (value.empty()) continue;
    onnx::StringStringEntryProto& entry = *weight(proto).add_external_data();
    entry.set_key(key);
    entry.set_value(value);
  }
  return proto;
}

TEST(ExternalData, IsReadFromTheFilesFolderAlone) {
  const TempFolder root;
  const std::filesystem::path folder = root / "model";
  std::filesystem::create_directories(folder);
  const std::vector<float> values{9, 1, 2, 3, 4, 5, 6, 7, 8};
  for (const auto& path : {folder / "weights.bin", root / "secret.bin"}) {
    std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(values.data()), 36);
  }
  const ImportedNetwork network = imported(with_external("weights.bin", "4", "32"), {}, folder);
  EXPECT_THAT(network.tensors.at("conv1.weight").floats(), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
  const auto refused = [&](const std::string& location, const std::string& offset = "",
                           const std::string& length = "") {
    return refusal(with_external(location, offset, length), Code::kDataLoss, {}, folder);
  };
  EXPECT_THAT(refused("../secret.bin"), HasSubstr("expected a file in the folder of the ONNX file"));
  EXPECT_THAT(refused((root / "secret.bin").string()), HasSubstr("expected a file in the folder"));
  EXPECT_THAT(refused(""), HasSubstr("expected a file in the folder"));
  EXPECT_THAT(refused("none.bin"), HasSubstr("which is not there"));
  EXPECT_THAT(refused("weights.bin", "8"), HasSubstr("needs 32 bytes from 8 of 'weights.bin', which has 36"));
  EXPECT_THAT(refused("weights.bin", "99999999999999999999"), HasSubstr("no offset or length"));
  EXPECT_THAT(refused("weights.bin", "-4"), HasSubstr("no offset or length"));
  EXPECT_THAT(refused("weights.bin", "0", "31"), HasSubstr("it declares 31"));
  std::filesystem::create_symlink(root / "secret.bin", folder / "link.bin");
  EXPECT_THAT(refused("link.bin"), HasSubstr("leads out of the folder"));
  EXPECT_THAT(refusal(with_external("weights.bin", "", ""), Code::kDataLoss),
              HasSubstr("expected a file in the folder"));
}

TEST(OnnxImport, EveryCutOfAFileIsRefusedOrANetwork) {
  const std::string whole = small().proto().SerializeAsString();
  for (size_t length = 0; length < whole.size(); ++length) {
    const std::string part = whole.substr(0, length);
    try {
      import_onnx(std::as_bytes(std::span(part)), "net.onnx", {});
    } catch (const Error& error) {
      EXPECT_THAT(error.code(), testing::AnyOf(Code::kDataLoss, Code::kUnimplemented, Code::kInvalidArgument))
          << error.what();
    }
  }
}

// Seeded changes of bytes: whatever comes of them is a network whose weights fit, or an Error.
TEST(OnnxImport, AChangedFileIsRefusedOrANetwork) {
  const Graph graph = backbone_from_string("shufflenetv2:w0.5:cifar", {3, 32, 32}, 3);
  const std::string large = export_onnx(imported_model(graph, test::random_weights(graph, 1), {}), OnnxForm::kPlain);
  Rng rng(20261122);
  for (const std::string& good : {small().proto().SerializeAsString(), large}) {
    const int rounds = test::long_rounds(good.size() > 100000 ? 60 : 3000);
    for (int round = 0; round < rounds; ++round) {
      std::string file = good;
      for (uint64_t changes = 1 + rng.below(4); changes > 0; --changes) {
        const size_t at = rng.below(file.size());
        switch (rng.below(4)) {
          case 0:
            file[at] = static_cast<char>(file[at] ^ (1 << rng.below(8)));
            break;
          case 1:
            file[at] = static_cast<char>(rng.below(256));
            break;
          case 2:
            file.erase(at, 1 + rng.below(8));
            break;
          default:
            file.insert(at, file.substr(rng.below(file.size()), rng.below(40)));
        }
        if (file.empty()) break;
      }
      try {
        const ImportedNetwork network = import_onnx(std::as_bytes(std::span(file)), "net.onnx", {});
        serialize_model(imported_model(network.graph, network.tensors, {}));
      } catch (const Error& error) {
        EXPECT_THAT(error.code(), testing::AnyOf(Code::kDataLoss, Code::kUnimplemented, Code::kInvalidArgument))
            << error.what();
      }
    }
  }
}

}  // namespace
}  // namespace sooner
