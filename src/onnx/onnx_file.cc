#include "onnx/onnx_file.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>
#include <limits>
#include <queue>
#include <set>

#include "core/error.h"
#include "graph/graph.h"

namespace sooner {
namespace {

// Many nodes of a file compute shapes and come to nothing.
constexpr int kMaxFileNodes = 1 << 17;
constexpr int kMaxExtents = 8;

static_assert(std::endian::native == std::endian::little, "raw_data is little-endian");

std::string type_name(int type) {
  return onnx::TensorProto::DataType_Name(static_cast<onnx::TensorProto::DataType>(type));
}

// Elements of `proto`'s list or raw bytes, as To.
template <typename From, typename To, typename List>
bool read_elements(const onnx::TensorProto& proto, const List& list, const std::string& raw, std::span<To> values) {
  if (proto.has_raw_data() || proto.data_location() == onnx::TensorProto::EXTERNAL) {
    if (raw.size() != values.size() * sizeof(From)) return false;
    for (size_t i = 0; i < values.size(); ++i) {
      From value;
      std::memcpy(&value, raw.data() + i * sizeof(From), sizeof(From));
      values[i] = static_cast<To>(value);
    }
    return true;
  }
  if (static_cast<size_t>(list.size()) != values.size()) return false;
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<To>(static_cast<From>(list[static_cast<int>(i)]));
  return true;
}

size_t element_bytes(int type) {
  switch (type) {
    case onnx::TensorProto::FLOAT:
    case onnx::TensorProto::INT32:
      return 4;
    case onnx::TensorProto::DOUBLE:
    case onnx::TensorProto::INT64:
      return 8;
    case onnx::TensorProto::BOOL:
      return 1;
    default:
      return 0;
  }
}

}  // namespace

std::string OnnxFile::shown(const std::string& name) {
  std::string text;
  for (const char c : name.substr(0, 120)) text.push_back(c < 0x20 || c > 0x7e ? '?' : c);
  return text;
}

void OnnxFile::refuse(const std::string& what) const { fail(Code::kDataLoss, "[import] '{}': {}", name_, what); }

std::string OnnxFile::label(const onnx::NodeProto& node) {
  if (!node.name().empty()) return shown(node.name());
  return node.output_size() > 0 ? shown(node.output(0)) : "without a name";
}

OnnxFile::OnnxFile(std::span<const std::byte> bytes, std::string name, std::filesystem::path folder)
    : name_(std::move(name)), folder_(std::move(folder)) {
  if (bytes.size() > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    refuse(fmt::format("has {} bytes, and a protobuf message ends at 2 GiB; keep its weights as external data",
                       bytes.size()));
  }
  if (!model_.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) || !model_.has_graph()) {
    refuse("is no ONNX file, or was cut short; export it again");
  }
  for (const onnx::OperatorSetIdProto& set : model_.opset_import()) {
    if (set.domain().empty() || set.domain() == "ai.onnx") operator_set_ = set.version();
  }
  if (operator_set_ < kOldestOperatorSet || operator_set_ > kNewestOperatorSet) {
    fail(Code::kUnimplemented,
         "[import] '{}' uses operator set {}, expected {} to {}; export it for another one, or convert it with "
         "onnx.version_converter",
         name_, operator_set_, kOldestOperatorSet, kNewestOperatorSet);
  }
  if (model_.functions_size() > 0) {
    fail(Code::kUnimplemented,
         "[import] '{}' defines functions of its own ('{}'); write them out with onnx.inliner.inline_local_functions",
         name_, shown(model_.functions(0).name()));
  }
  const onnx::GraphProto& graph = model_.graph();
  if (graph.node_size() == 0) refuse("has no node");
  if (graph.node_size() > kMaxFileNodes) {
    refuse(fmt::format("has {} nodes, expected at most {}", graph.node_size(), kMaxFileNodes));
  }
  if (graph.sparse_initializer_size() > 0) {
    fail(Code::kUnimplemented, "[import] '{}' has sparse weights; expected dense ones", name_);
  }
  for (const onnx::TensorProto& tensor : graph.initializer()) {
    if (tensor.name().empty()) refuse("has an initializer without a name");
    if (!constants_.emplace(tensor.name(), &tensor).second) {
      refuse(fmt::format("has two initializers named '{}'", shown(tensor.name())));
    }
  }
  read_interface();
  sort_nodes();
}

OnnxValue OnnxFile::describe(const onnx::ValueInfoProto& value) const {
  OnnxValue described{value.name(), {}, false};
  if (value.name().empty()) refuse("has an input or output without a name");
  if (!value.type().has_tensor_type()) {
    fail(Code::kUnimplemented, "[import] '{}': '{}' is no tensor", name_, shown(value.name()));
  }
  const onnx::TypeProto::Tensor& type = value.type().tensor_type();
  described.is_float = type.elem_type() == onnx::TensorProto::FLOAT;
  if (type.shape().dim_size() > kMaxExtents) {
    refuse(fmt::format("'{}' has {} extents, expected at most {}", shown(value.name()), type.shape().dim_size(),
                       kMaxExtents));
  }
  for (const onnx::TensorShapeProto::Dimension& dim : type.shape().dim()) {
    // Some writers leave an extent open with a number that is none.
    const bool open = !dim.has_dim_value() || dim.dim_value() == 0 || dim.dim_value() == -1;
    if (!open && (dim.dim_value() < 0 || dim.dim_value() > kMaxElements)) {
      refuse(fmt::format("'{}' has an extent of {}, expected 1 to 2^31", shown(value.name()), dim.dim_value()));
    }
    described.shape.push_back(open ? std::nullopt : std::optional(dim.dim_value()));
  }
  return described;
}

void OnnxFile::read_interface() {
  const onnx::GraphProto& graph = model_.graph();
  for (const onnx::ValueInfoProto& value : graph.input()) {
    // Older files list their weights as inputs, too.
    if (!constants_.contains(value.name())) inputs_.push_back(describe(value));
  }
  for (const onnx::ValueInfoProto& value : graph.output()) outputs_.push_back(describe(value));
  if (outputs_.empty()) refuse("has no output");
}

// As they stand where that works, as it should.
void OnnxFile::sort_nodes() {
  const onnx::GraphProto& graph = model_.graph();
  std::set<std::string> known{""};  // an input left out
  for (const auto& constant : constants_) known.insert(constant.first);
  for (const OnnxValue& input : inputs_) {
    if (!known.insert(input.name).second) refuse(fmt::format("has two inputs named '{}'", shown(input.name)));
  }
  std::set<std::string> written;
  for (const onnx::NodeProto& node : graph.node()) {
    for (const std::string& output : node.output()) {
      if (output.empty()) continue;
      if (known.contains(output) || !written.insert(output).second) {
        refuse(fmt::format("node '{}' writes '{}', which has a value already", label(node), shown(output)));
      }
    }
    std::set<std::string> once;
    for (const std::string& input : node.input()) {
      if (!input.empty() && once.insert(input).second) readers_[input].push_back(&node);
    }
  }
  std::map<const onnx::NodeProto*, int> missing;
  using Place = std::pair<int, const onnx::NodeProto*>;
  std::priority_queue<Place, std::vector<Place>, std::greater<>> ready;
  std::map<const onnx::NodeProto*, int> places;
  for (int i = 0; i < graph.node_size(); ++i) {
    const onnx::NodeProto& node = graph.node(i);
    places[&node] = i;
    std::set<std::string> open;
    for (const std::string& input : node.input()) {
      if (known.contains(input)) continue;
      if (!written.contains(input)) {
        refuse(fmt::format("node '{}' ({}) reads '{}', which nothing gives: no input, no weight, no node", label(node),
                           shown(node.op_type()), shown(input)));
      }
      open.insert(input);
    }
    missing[&node] = static_cast<int>(open.size());
    if (open.empty()) ready.emplace(i, &node);
  }
  while (!ready.empty()) {
    const onnx::NodeProto* node = ready.top().second;
    ready.pop();
    order_.push_back(node);
    for (const std::string& output : node->output()) {
      for (const onnx::NodeProto* reader : readers(output)) {
        if (--missing[reader] == 0) ready.emplace(places[reader], reader);
      }
    }
  }
  if (order_.size() == static_cast<size_t>(graph.node_size())) return;
  for (const onnx::NodeProto& node : graph.node()) {
    if (missing[&node] > 0) refuse(fmt::format("node '{}' is part of a cycle, or behind one", label(node)));
  }
}

const std::vector<const onnx::NodeProto*>& OnnxFile::readers(const std::string& value) const {
  static const std::vector<const onnx::NodeProto*> kNone;
  const auto found = value.empty() ? readers_.end() : readers_.find(value);
  return found == readers_.end() ? kNone : found->second;
}

bool OnnxFile::is_output(const std::string& value) const {
  return std::ranges::find(outputs_, value, &OnnxValue::name) != outputs_.end();
}

Tensor OnnxFile::constant(const std::string& value) const {
  return tensor(*constants_.at(value), fmt::format("weight '{}'", shown(value)));
}

Tensor OnnxFile::tensor(const onnx::TensorProto& proto, const std::string& what) const {
  if (proto.has_segment()) refuse(fmt::format("{} is stored in segments, which no version of ONNX uses", what));
  if (proto.dims_size() > kMaxExtents) refuse(fmt::format("{} has {} extents", what, proto.dims_size()));
  Shape shape;
  double product = 1;
  for (const int64_t extent : proto.dims()) {
    if (extent < 0) refuse(fmt::format("{} has an extent of {}, expected 0 or more", what, extent));
    product *= static_cast<double>(extent);
    shape.push_back(extent);
  }
  if (product > static_cast<double>(kMaxElements)) {
    refuse(fmt::format("{} has extents {}, expected at most 2^31 elements", what, fmt::join(shape, "x")));
  }
  const size_t each = element_bytes(proto.data_type());
  if (each == 0) {
    fail(Code::kUnimplemented, "[import] '{}': {} is of type {}, expected FLOAT, DOUBLE or integers; export in fp32",
         name_, what, type_name(proto.data_type()));
  }
  const auto elements = static_cast<size_t>(product);
  // Before anything is allocated: the bytes must be there.
  const bool external = proto.data_location() == onnx::TensorProto::EXTERNAL;
  const std::string from_file = external ? external_bytes(proto, what, elements * each) : std::string();
  const std::string& raw = external ? from_file : proto.raw_data();
  const int listed =
      std::max({proto.float_data_size(), proto.double_data_size(), proto.int32_data_size(), proto.int64_data_size()});
  const bool there =
      external || proto.has_raw_data() ? raw.size() == elements * each : static_cast<size_t>(listed) == elements;
  if (!there) {
    refuse(fmt::format("{} of extents {} has {} {}, expected {}", what, fmt::join(shape, "x"),
                       external || proto.has_raw_data() ? raw.size() : static_cast<size_t>(listed),
                       external || proto.has_raw_data() ? "bytes" : "numbers",
                       external || proto.has_raw_data() ? elements * each : elements));
  }
  const bool floating = proto.data_type() == onnx::TensorProto::FLOAT || proto.data_type() == onnx::TensorProto::DOUBLE;
  Tensor result(floating ? DType::kF32 : DType::kI64, shape);
  const std::span<int64_t> integers{reinterpret_cast<int64_t*>(result.raw().data()), floating ? 0 : elements};
  bool read = false;
  switch (proto.data_type()) {
    case onnx::TensorProto::FLOAT:
      if (external || proto.has_raw_data()) {
        if (!raw.empty()) std::memcpy(result.raw().data(), raw.data(), raw.size());
        read = true;
      } else {
        read = read_elements<float>(proto, proto.float_data(), raw, result.floats());
      }
      break;
    case onnx::TensorProto::DOUBLE:
      read = read_elements<double>(proto, proto.double_data(), raw, result.floats());
      break;
    case onnx::TensorProto::INT64:
      read = read_elements<int64_t>(proto, proto.int64_data(), raw, integers);
      break;
    case onnx::TensorProto::INT32:
      read = read_elements<int32_t>(proto, proto.int32_data(), raw, integers);
      break;
    default:  // BOOL
      read = read_elements<uint8_t>(proto, proto.int32_data(), raw, integers);
  }
  if (!read) refuse(fmt::format("{} holds its numbers in another form than its type's", what));
  return result;
}

// External data stays in the file's own folder: a file from elsewhere must not read what it likes.
std::string OnnxFile::external_bytes(const onnx::TensorProto& proto, const std::string& what, size_t expected) const {
  std::string location;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
  const auto number = [&](const std::string& text) {
    const bool digits =
        !text.empty() && text.size() <= 18 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
    if (!digits) refuse(fmt::format("{}: '{}' is no offset or length", what, shown(text)));
    return static_cast<uint64_t>(std::stoull(text));
  };
  for (const onnx::StringStringEntryProto& entry : proto.external_data()) {
    if (entry.key() == "location") location = entry.value();
    if (entry.key() == "offset") offset = number(entry.value());
    if (entry.key() == "length") length = number(entry.value());
  }
  const std::filesystem::path path(location);
  const bool inside = !location.empty() && location.find('\0') == std::string::npos && path.is_relative() &&
                      std::ranges::none_of(path, [](const auto& part) { return part == ".."; });
  if (!inside || folder_.empty()) {
    refuse(fmt::format("{} lies in '{}', expected a file in the folder of the ONNX file", what, shown(location)));
  }
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::canonical(folder_, error);
  const std::filesystem::path file = error ? folder : std::filesystem::canonical(folder / path, error);
  if (error || !std::filesystem::is_regular_file(file, error)) {
    refuse(
        fmt::format("{} lies in '{}', which is not there; keep the file beside the ONNX file", what, shown(location)));
  }
  if (std::mismatch(folder.begin(), folder.end(), file.begin(), file.end()).first != folder.end()) {
    refuse(fmt::format("{} lies in '{}', which leads out of the folder of the ONNX file", what, shown(location)));
  }
  const uint64_t size = std::filesystem::file_size(file, error);
  if (error || offset > size || size - offset < expected || length.value_or(expected) != expected) {
    refuse(fmt::format("{} needs {} bytes from {} of '{}', which has {}; it declares {}", what, expected, offset,
                       shown(location), size, length ? std::to_string(*length) : "the rest"));
  }
  std::string bytes(expected, '\0');
  std::ifstream stream(file, std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(offset));
  if (!stream.read(bytes.data(), static_cast<std::streamsize>(expected)) && expected > 0) {
    refuse(fmt::format("{}: '{}' could not be read", what, shown(location)));
  }
  return bytes;
}

}  // namespace sooner
