#include "onnx/importer.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/text.h"
#include "graph/parameters.h"
#include "onnx/constant_math.h"

namespace sooner {
namespace {

// Operations that pass on what they read when a network answers.
bool passes_on(std::string_view op) {
  constexpr std::string_view kOps[] = {"Identity", "Dropout",    "Flatten",   "Reshape", "Squeeze",
                                       "Softmax",  "LogSoftmax", "Transpose", "Cast"};
  return std::ranges::find(kOps, op) != std::end(kOps);
}

// Letters, digits, '.', '_' and '-' alone.
std::string clean(std::string_view text) {
  std::string name;
  for (const char c : text) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    name.push_back(plain ? c : '_');
  }
  return name.substr(0, 200);
}

// PyTorch's exporter writes a module's path in full at every step: "/layer1/layer1.0/conv1/Conv" is layer1.0.conv1.
std::string module_path(const std::string& name, const std::string& op) {
  std::vector<std::string> parts;
  for (const std::string& part : split(name, '/')) {
    if (part.empty()) continue;
    if (!parts.empty() && part.starts_with(parts.back() + ".")) parts.pop_back();
    parts.push_back(part);
  }
  if (parts.size() > 1 && parts.back().starts_with(op)) parts.pop_back();
  return fmt::format("{}", fmt::join(parts, "."));
}

}  // namespace

Importer::Importer(const OnnxFile& file, const ImportOptions& options)
    : file_(file), options_(options), builder_("", {1, 1, 1}, 1) {
  check_output();
  read_input();
}

void Importer::note(const std::string& text) {
  if (std::ranges::find(notes_, text) == notes_.end()) notes_.push_back(text);
}

std::string Importer::unique(const std::string& wanted) {
  std::string name = wanted.empty() ? "node" : wanted;
  for (int i = 1; !names_.insert(name).second; ++i) name = fmt::format("{}_{}", wanted.empty() ? "node" : wanted, i);
  return name;
}

std::string Importer::wanted_name(const OnnxNode& node, const std::string& weight) {
  constexpr std::string_view kWeight = ".weight";
  if (weight.size() > kWeight.size() && weight.ends_with(kWeight)) {
    return clean(std::string_view(weight).substr(0, weight.size() - kWeight.size()));
  }
  std::string name = module_path(node.proto().name().empty() ? node.output() : node.proto().name(), node.op());
  if (name.starts_with("node_")) name.erase(0, 5);
  return clean(name.empty() ? node.op() : name);
}

void Importer::add_parameter(const std::string& name, Tensor tensor) { tensors_[name] = std::move(tensor); }

void Importer::set(const OnnxNode& node, ImportValue value, size_t output) {
  values_.insert_or_assign(node.output(output), std::move(value));
}

void Importer::set_node(const OnnxNode& node, NodeId id) { set(node, Activation{.node = id, .extents = shape(id)}); }

const ImportValue& Importer::value(const OnnxNode& node, size_t i) {
  const std::string& name = node.input(i);
  if (name.empty()) node.damaged(fmt::format("has no input {}", i));
  const auto found = values_.find(name);
  if (found != values_.end()) return found->second;
  if (!file_.has_constant(name))
    node.unsupported(fmt::format("input {} is what an operation gives besides its result", i));
  const Tensor constant = file_.constant(name);
  return values_.emplace(name, constant_value(node, constant, fmt::format("input {}", i))).first->second;
}

bool Importer::is_activation(const OnnxNode& node, size_t i) {
  return std::holds_alternative<Activation>(value(node, i));
}

const Activation& Importer::activation(const OnnxNode& node, size_t i) {
  const auto* found = std::get_if<Activation>(&value(node, i));
  if (found == nullptr) node.unsupported(fmt::format("input {} is a constant, expected a value of the network", i));
  return *found;
}

const Integers& Importer::integers(const OnnxNode& node, size_t i) {
  const auto* found = std::get_if<Integers>(&value(node, i));
  if (found == nullptr) node.unsupported(fmt::format("input {} is no list of integers known before it runs", i));
  return *found;
}

std::vector<int64_t> Importer::numbers(const OnnxNode& node, size_t i) {
  std::vector<int64_t> list;
  for (const Extent& extent : integers(node, i).values) {
    if (extent.batch) node.unsupported(fmt::format("input {} depends on the size of the batch", i));
    list.push_back(extent.value);
  }
  return list;
}

Tensor Importer::weight(const OnnxNode& node, size_t i) {
  const ImportValue& found = value(node, i);
  if (const auto* tensor = std::get_if<Tensor>(&found)) return *tensor;
  node.unsupported(fmt::format("input {} ('{}') is computed from the network's input, expected a weight of the file", i,
                               OnnxFile::shown(node.input(i))));
}

NodeId Importer::cached(NodeId src, char kind, const std::function<NodeId()>& make) {
  const auto found = written_.find({src, kind});
  if (found != written_.end()) return found->second;
  const NodeId made = make();
  written_[{src, kind}] = made;
  return made;
}

NodeId Importer::as_map(const OnnxNode& node, const Activation& value) {
  const Shape& own = shape(value.node);
  if (value.view == View::kPlain && value.extents.size() == 3 && own == value.extents) return value.node;
  if (value.view == View::kPooled && value.extents == Shape{own[0], 1, 1}) {
    if (own[1] == 1 && own[2] == 1) return value.node;
    return cached(value.node, 'm', [&] {
      PoolAttributes whole;
      whole.kernel_h = whole.stride_h = own[1];
      whole.kernel_w = whole.stride_w = own[2];
      return builder_.avg_pool(unique(value.name), value.node, whole);
    });
  }
  node.unsupported(fmt::format("reads a value of extents {}{}, expected a map [channels, rows, columns]",
                               to_string(value.extents),
                               value.view == View::kChannelsLast ? " with channels last" : ""));
}

NodeId Importer::as_vector(const OnnxNode& node, const Activation& value) {
  const Shape& own = shape(value.node);
  const bool flat = value.extents.size() == 1;
  if (flat && value.view == View::kPooled) {
    return cached(value.node, 'v', [&] { return builder_.global_avg_pool(unique(value.name), value.node); });
  }
  if (flat && value.view == View::kPlain) {
    if (own.size() == 1) return value.node;
    return cached(value.node, 'f', [&] {
      return builder_.flatten(unique(builder_.graph().node(value.node).name + ".flatten"), value.node);
    });
  }
  node.unsupported(
      fmt::format("reads a value of extents {}, expected a vector; flatten it first", to_string(value.extents)));
}

Activation Importer::settled(const OnnxNode& node, const Activation& value) {
  const bool apart = value.view == View::kChannelsLast && value.extents.size() == 4;
  if (value.view == View::kSwapped || value.view == View::kSwappedLast || apart) {
    node.unsupported("stands inside a channel shuffle");
  }
  if (value.view != View::kPooled) return value;
  const NodeId id = value.extents.size() == 1 ? as_vector(node, value) : as_map(node, value);
  return {.node = id, .extents = value.extents};
}

bool Importer::answers(const std::string& value) const {
  std::string at = value;
  // A chain cannot be longer than the file.
  for (size_t i = 0; i <= file_.nodes().size(); ++i) {
    const auto& readers = file_.readers(at);
    if (at == answer()) return true;
    if (readers.size() != 1 || !passes_on(readers[0]->op_type()) || readers[0]->output_size() == 0) return false;
    at = readers[0]->output(0);
  }
  return false;
}

std::string Importer::answer() const { return options_.output.empty() ? file_.outputs()[0].name : options_.output; }

Shape Importer::input_extents(const OnnxValue& input) {
  const auto shape_text = [&] {
    std::vector<std::string> words;
    for (const std::optional<int64_t>& extent : input.shape) words.push_back(extent ? std::to_string(*extent) : "?");
    return fmt::format("[{}]", fmt::join(words, ", "));
  };
  if (input.shape.size() != 4 && !(input.shape.empty() && options_.input_shape)) {
    fail(Code::kUnimplemented, "[import] '{}': input '{}' has extents {}, expected [batch, channels, rows, columns]",
         file_.name(), OnnxFile::shown(input.name), shape_text());
  }
  Shape extents;
  for (size_t i = 1; i < input.shape.size(); ++i) {
    const std::optional<int64_t> given =
        options_.input_shape ? std::optional(options_.input_shape->at(i - 1)) : std::nullopt;
    const std::optional<int64_t>& declared = input.shape[i];
    if (!given && !declared) {
      fail(Code::kInvalidArgument, "[import] '{}': input '{}' has extents {}; say which with --input-shape",
           file_.name(), OnnxFile::shown(input.name), shape_text());
    }
    if (given && declared && *given != *declared) {
      fail(Code::kInvalidArgument, "[import] '{}': input '{}' has extents {}, --input-shape says {}", file_.name(),
           OnnxFile::shown(input.name), shape_text(), to_string(*options_.input_shape));
    }
    extents.push_back(given ? *given : *declared);
  }
  if (extents.empty()) extents = *options_.input_shape;
  return extents;
}

void Importer::read_input() {
  if (file_.inputs().size() != 1) {
    std::vector<std::string> names;
    for (const OnnxValue& input : file_.inputs()) names.push_back(OnnxFile::shown(input.name));
    fail(Code::kUnimplemented, "[import] '{}' has {} inputs ({}), expected one, the images", file_.name(), names.size(),
         fmt::join(names, ", "));
  }
  const OnnxValue& input = file_.inputs()[0];
  if (!input.is_float) {
    fail(Code::kUnimplemented, "[import] '{}': input '{}' is not of type FLOAT; export the network in fp32",
         file_.name(), OnnxFile::shown(input.name));
  }
  if (options_.input_shape && options_.input_shape->size() != 3) {
    fail(Code::kInvalidArgument, "[import] the input shape has {} extents, expected channels, rows, columns",
         options_.input_shape->size());
  }
  Shape extents = input_extents(input);
  if (!input.shape.empty()) fixed_batch_ = input.shape[0];
  // A network that turns its input round first takes images with channels last; here they come first.
  const auto& readers = file_.readers(input.name);
  const bool turned = !readers.empty() && std::ranges::all_of(readers, [&](const onnx::NodeProto* reader) {
    if (reader->op_type() != "Transpose") return false;
    OnnxNode node(file_, *reader);
    return node.integers("perm") == std::vector<int64_t>{0, 3, 1, 2};
  });
  Activation images{.node = 0, .extents = extents};
  if (turned) {
    images.view = View::kChannelsLast;
    extents = {extents[2], extents[0], extents[1]};
    note("its input has channels last; the model's images have channels first");
  }
  for (const int64_t extent : extents) {
    if (extent < 1 || extent > (1 << 16)) {
      fail(Code::kInvalidArgument, "[import] '{}': input extents {} are out of range, expected 1 to 65536",
           file_.name(), to_string(extents));
    }
  }
  builder_ = GraphBuilder("import", extents, 1);
  names_.insert("input");
  values_.emplace(input.name, images);
}

void Importer::check_output() const {
  if (options_.output.empty() && file_.outputs().size() > 1) {
    std::vector<std::string> names;
    for (const OnnxValue& output : file_.outputs()) names.push_back(OnnxFile::shown(output.name));
    fail(Code::kInvalidArgument, "[import] '{}' has {} outputs ({}); say which one answers with --output-name",
         file_.name(), names.size(), fmt::join(names, ", "));
  }
  if (!file_.is_output(answer())) {
    std::vector<std::string> names;
    for (const OnnxValue& output : file_.outputs()) names.push_back(output.name);
    fail(Code::kInvalidArgument, "[import] '{}' has no output '{}'; {}", file_.name(), OnnxFile::shown(answer()),
         suggest(answer(), names));
  }
}

std::vector<const onnx::NodeProto*> Importer::needed_nodes() const {
  std::set<std::string> needed{answer()};
  std::vector<const onnx::NodeProto*> nodes;
  for (size_t i = file_.nodes().size(); i-- > 0;) {
    const onnx::NodeProto* node = file_.nodes()[i];
    if (std::ranges::none_of(node->output(), [&](const auto& output) { return needed.contains(output); })) continue;
    nodes.push_back(node);
    needed.insert(node->input().begin(), node->input().end());
  }
  std::ranges::reverse(nodes);
  return nodes;
}

ImportedNetwork Importer::finish() {
  const auto found = values_.find(answer());
  const auto* logits = found == values_.end() ? nullptr : std::get_if<Activation>(&found->second);
  if (logits == nullptr) {
    fail(Code::kUnimplemented, "[import] '{}': output '{}' does not depend on the input", file_.name(),
         OnnxFile::shown(answer()));
  }
  // The last node, for messages.
  const onnx::NodeProto* last = nullptr;
  for (const onnx::NodeProto* node : file_.nodes()) {
    if (std::ranges::find(node->output(), answer()) != node->output().end()) last = node;
  }
  if (last == nullptr) {
    fail(Code::kUnimplemented, "[import] '{}': output '{}' is the input itself", file_.name(),
         OnnxFile::shown(answer()));
  }
  const OnnxNode node(file_, *last);
  Activation flat = *logits;
  const bool one_place =
      flat.extents.size() == 3 && flat.view != View::kSwapped && std::ranges::count(flat.extents, 1) >= 2;
  if (one_place) flat.extents = {element_count(flat.extents)};
  const NodeId id = as_vector(node, flat);
  const OpKind op = builder_.graph().node(id).op;
  if (op != OpKind::kLinear && op != OpKind::kGlobalAvgPool) {
    node.unsupported(
        fmt::format("the network ends in {}, expected a linear layer or a global average, behind it at most a softmax",
                    to_string(op)));
  }
  return network_of(id);
}

// Nodes behind the answer are gone by now, and so are those nothing reads.
ImportedNetwork Importer::network_of(NodeId logits) {
  const Graph& built = builder_.graph();
  std::vector<bool> read(built.nodes.size());
  read[0] = read[static_cast<size_t>(logits)] = true;
  for (size_t id = built.nodes.size(); id-- > 0;) {
    if (!read[id]) continue;
    for (const NodeId input : built.nodes[id].inputs) read[static_cast<size_t>(input)] = true;
  }
  const Shape answer_shape = shape(logits);
  std::string name = options_.name;
  if (name.empty()) name = clean(std::filesystem::path(file_.name()).stem().string());
  GraphBuilder final_builder(name, built.input_shape, answer_shape[0]);
  std::vector<NodeId> renamed(built.nodes.size(), 0);
  for (size_t id = 1; id <= static_cast<size_t>(logits); ++id) {
    if (!read[id]) continue;
    Node node = built.nodes[id];
    for (NodeId& input : node.inputs) input = renamed[static_cast<size_t>(input)];
    renamed[id] = final_builder.append(std::move(node));
  }
  ImportedNetwork network;
  network.graph = final_builder.finish(renamed[static_cast<size_t>(logits)]);
  for (const ParameterSpec& spec : parameters(network.graph)) {
    const auto found = tensors_.find(spec.name);
    if (found == tensors_.end() || found->second.shape() != spec.shape) {
      fail(Code::kInternal, "[import] '{}': parameter '{}' of shape {} was not read", file_.name(), spec.name,
           to_string(spec.shape));
    }
    if (!std::ranges::all_of(found->second.floats(), [](float x) { return std::isfinite(x); })) {
      file_.refuse(fmt::format("'{}' holds values that are no numbers", spec.name));
    }
    network.tensors[spec.name] = found->second;
  }
  network.notes = notes_;
  return network;
}

}  // namespace sooner
