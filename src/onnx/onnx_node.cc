#include "onnx/onnx_node.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace sooner {

const std::string& OnnxNode::input(size_t i) const {
  static const std::string kNone;
  return i < input_count() ? proto_.input(static_cast<int>(i)) : kNone;
}

const std::string& OnnxNode::output(size_t i) const {
  if (i >= static_cast<size_t>(proto_.output_size()) || proto_.output(static_cast<int>(i)).empty()) {
    damaged(fmt::format("has no output {}", i));
  }
  return proto_.output(static_cast<int>(i));
}

const onnx::AttributeProto* OnnxNode::find(std::string_view name, onnx::AttributeProto::AttributeType type) {
  known_.emplace(name);
  const auto& attributes = proto_.attribute();
  const auto found = std::ranges::find_if(attributes, [&](const auto& each) { return each.name() == name; });
  if (found == attributes.end()) return nullptr;
  // Files of the first version leave the type out.
  const bool fits = type == onnx::AttributeProto::UNDEFINED || found->type() == type ||
                    found->type() == onnx::AttributeProto::UNDEFINED;
  if (!fits) damaged(fmt::format("attribute '{}' is of another type than ONNX gives it", name));
  return &*found;
}

bool OnnxNode::has(std::string_view name) const {
  return std::ranges::any_of(proto_.attribute(), [&](const auto& each) { return each.name() == name; });
}

int64_t OnnxNode::integer(std::string_view name, int64_t standard) {
  const onnx::AttributeProto* attribute = find(name, onnx::AttributeProto::INT);
  return attribute == nullptr ? standard : attribute->i();
}

double OnnxNode::number(std::string_view name, double standard) {
  const onnx::AttributeProto* attribute = find(name, onnx::AttributeProto::FLOAT);
  if (attribute == nullptr) return standard;
  // The number that was meant: 1e-5 and not the float next to it.
  const float value = attribute->f();
  return std::isfinite(value) ? std::stod(fmt::format("{}", value)) : static_cast<double>(value);
}

std::string OnnxNode::text(std::string_view name, std::string_view standard) {
  const onnx::AttributeProto* attribute = find(name, onnx::AttributeProto::STRING);
  return attribute == nullptr ? std::string(standard) : attribute->s();
}

std::optional<std::vector<int64_t>> OnnxNode::integers(std::string_view name) {
  const onnx::AttributeProto* attribute = find(name, onnx::AttributeProto::INTS);
  if (attribute == nullptr) return std::nullopt;
  return std::vector<int64_t>(attribute->ints().begin(), attribute->ints().end());
}

const onnx::TensorProto* OnnxNode::tensor(std::string_view name) {
  const onnx::AttributeProto* attribute = find(name, onnx::AttributeProto::TENSOR);
  return attribute == nullptr ? nullptr : &attribute->t();
}

void OnnxNode::expect_no_more() const {
  for (const onnx::AttributeProto& attribute : proto_.attribute()) {
    if (!known_.contains(attribute.name())) {
      unsupported(fmt::format("attribute '{}' is not known here", OnnxFile::shown(attribute.name())));
    }
  }
}

void OnnxNode::unsupported(const std::string& what) const {
  fail(Code::kUnimplemented, "[import] '{}': node '{}' ({}): {}", file_.name(), label(), OnnxFile::shown(op()), what);
}

void OnnxNode::damaged(const std::string& what) const {
  fail(Code::kDataLoss, "[import] '{}': node '{}' ({}): {}", file_.name(), label(), OnnxFile::shown(op()), what);
}

}  // namespace sooner
